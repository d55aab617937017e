// An effect in doubt is sent again under a new key, without asking the provider what became of it.
import { plant } from './plant.ts';

plant([
  {
    module: 'packages/queue/src/effects/run-effect.ts',
    replace: [
      [
        'return reconcile(store, effect, spec, signal, report, only !== undefined);',
        'return send(store, await store.resend(effect, true), spec, signal, report);',
      ],
    ],
  },
]);
