// A scheduler that fires schedules while it leads, until it is killed: for the test of a leader's death.
import { runAsLeader } from '../leader.ts';
import { startSchedules } from '../schedules/index.ts';
import { log, openStage } from './schedules.ts';

const [, , databaseUrl = '', redisUrl = '', prefix = ''] = process.argv;
const { runtime, metrics } = openStage({ databaseUrl, redisUrl, prefix });

await runAsLeader({
  databaseUrl,
  key: 'scheduler',
  log,
  signal: new AbortController().signal,
  onLead: (signal) => {
    process.stdout.write('leads\n');
    return startSchedules({ runtime, log, metrics, signal });
  },
});
