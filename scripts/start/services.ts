import { join } from 'node:path';
import type { ProcessPlan } from './process-group.ts';

const APPS = join(import.meta.dirname, '../../apps');

/** The first of the ports for health and metrics; each process that has no port of its own takes the next. */
const FIRST_OPS_PORT = 9464;

/**
 * The processes of the service, in the order in which they start.
 * @param env what all of them get: addresses, keys, the providers.
 */
export function services(env: NodeJS.ProcessEnv): ProcessPlan[] {
  const port = env['PORT'] ?? '3011';
  const background = ['worker-money', 'worker-communication', 'worker-background', 'scheduler'];
  return [
    {
      name: 'api',
      entry: join(APPS, 'api/src/main.ts'),
      env: { ...env, PORT: port },
      readyUrl: `http://127.0.0.1:${port}/api/v1/queue/health/ready`,
    },
    ...background.map((name, index) => ({
      name,
      entry: join(APPS, name, 'src/main.ts'),
      env: { ...env, OPS_PORT: String(FIRST_OPS_PORT + index) },
      readyUrl: `http://127.0.0.1:${FIRST_OPS_PORT + index}/health/ready`,
    })),
  ];
}
