// A process that leads when it can and says so on its standard output, until it is killed: for the test of leadership.
import { createLogger } from '@queue-service/observability';
import { runAsLeader } from '../leader.ts';

const [, , databaseUrl = '', key = ''] = process.argv;

await runAsLeader({
  databaseUrl,
  key,
  log: createLogger({ service: 'test', level: 'silent' }),
  signal: new AbortController().signal,
  onLead: (signal) =>
    new Promise((resolve) => {
      process.stdout.write('leads\n');
      signal.addEventListener('abort', () => resolve());
    }),
});
