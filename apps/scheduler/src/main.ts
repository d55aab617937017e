import { startOpsServer } from '@queue-service/observability';
import { runProcess, waitForStores } from '@queue-service/queue';
import { channelsOf } from './alerts/channels.ts';
import { startAlerts } from './alerts/index.ts';
import { startCanaries } from './canaries.ts';
import { readConfig } from './config.ts';
import { startFlowSweeps } from './flows.ts';
import { startHistoryMends } from './history.ts';
import { runAsLeader } from './leader.ts';
import { startRedriveRuns } from './redrive-runs.ts';
import { startRelay } from './relay.ts';
import { seedDefaultSchedules } from './schedules/default-schedules.ts';
import { startSchedules } from './schedules/index.ts';
import { startSnapshots } from './snapshots.ts';

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
    await waitForStores(parts, config);
    const channels = channelsOf(config, runtime.now);
    if (channels.length === 0) log.warn('No channel for alerts is configured: nobody is told of incidents');
    // Repeats of the relay do no harm, but one is enough: all duties are the leader's.
    const leading = runAsLeader({
      databaseUrl: config.DATABASE_URL.reveal(),
      key: 'scheduler',
      log,
      metrics,
      signal: shutdown.signal,
      onLead: async (signal) => {
        if (config.SEED_DEFAULT_SCHEDULES) await seedDefaultSchedules(runtime, log);
        const duty = { runtime, log, metrics, signal };
        await Promise.all([
          startRelay(duty),
          startSchedules(duty),
          startFlowSweeps(duty),
          startSnapshots(duty),
          startAlerts({ ...duty, channels }),
          startRedriveRuns(duty),
          startCanaries(duty),
          startHistoryMends(duty),
        ]);
      },
    });
    shutdown.register('duties', () => leading);
  },
});
