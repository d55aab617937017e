import { startOpsServer } from '@queue-service/observability';
import { runProcess, waitForStores } from '@queue-service/queue';
import { readConfig } from './config.ts';
import { startRelay } from './relay.ts';

const config = readConfig(process.env);

await runProcess({
  name: 'scheduler',
  config,
  process,
  start: async (parts) => {
    const { log, metrics, runtime, health, shutdown } = parts;
    const liveness = () => ({ alive: true });
    const ops = await startOpsServer({ port: config.OPS_PORT, metrics, liveness, readiness: health, log });
    shutdown.register('ops server', () => ops.close());
    await waitForStores(parts, process.env.NODE_ENV === 'production');
    const relay = startRelay({ runtime, log, metrics, signal: shutdown.signal });
    shutdown.register('relay', () => relay);
  },
});
