// What Redis has lost or was never told of stays where it is.
import { plant } from './plant.ts';

plant([
  {
    module: 'apps/scheduler/src/relay.ts',
    replace: [
      ['await relayForgotten(options);', ''],
      ['const restored = await restore(options, queue);', 'const restored = 0;'],
    ],
  },
]);
