// A scheduler that tells of incidents while it leads, until it is killed: for the test of a leader's death.
import { channelsOf } from '../alerts/channels.ts';
import { startAlerts } from '../alerts/index.ts';
import { readConfig } from '../config.ts';
import { runAsLeader } from '../leader.ts';
import { log, openStage } from './schedules.ts';

const [, , databaseUrl = '', redisUrl = '', prefix = '', alertEnv = '{}'] = process.argv;
const { runtime, metrics } = openStage({ databaseUrl, redisUrl, prefix });
const config = readConfig({
  ...(JSON.parse(alertEnv) as Record<string, string>),
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
});

await runAsLeader({
  databaseUrl,
  key: 'scheduler',
  log,
  signal: new AbortController().signal,
  onLead: (signal) =>
    startAlerts({
      runtime,
      log,
      metrics,
      channels: channelsOf(config, runtime.now),
      signal,
      timing: { watchEveryMs: 50, tellEveryMs: 20, gatherMs: 0 },
    }),
});
