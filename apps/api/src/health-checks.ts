import type { HealthCheck } from '@queue-service/observability';
import { dependencyChecks, type Runtime } from '@queue-service/queue';

/** What `GET /health` looks at; more than readiness, which decides whether requests are sent here at all. */
export function healthChecks(runtime: Runtime): Record<'service' | 'database' | 'redis' | 'queues', HealthCheck> {
  const { database, redis } = dependencyChecks(runtime);
  return {
    service: async () => {},
    database,
    redis,
    queues: async () => {
      const paused = await Promise.all(
        runtime.connections.all.map(async ({ name, queue }) => ((await queue.isPaused()) ? name : null)),
      );
      const names = paused.filter((name) => name !== null);
      return names.length === 0 ? undefined : `paused: ${names.join(', ')}`;
    },
  };
}
