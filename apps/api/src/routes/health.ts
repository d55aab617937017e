import type { Health } from '@queue-service/observability';
import { z } from 'zod';
import { type Route, route } from '../http/route.ts';

export interface HealthRoutesParts {
  /** Checks `service`, `database`, `redis` and `queues`. */
  readonly health: Health;
  /** Whether requests should be sent here: PostgreSQL and Redis reachable, migrations applied, not shutting down. */
  readonly readiness: Health;
}

const reportSchema = z
  .object({
    status: z.enum(['healthy', 'unhealthy']),
    checks: z.record(z.string(), z.object({ status: z.enum(['healthy', 'unhealthy']), detail: z.string().optional() })),
    timestamp: z.iso.datetime(),
  })
  .describe('Health by its parts');

const livenessSchema = z.object({ status: z.literal('alive') });

export function healthRoutes({ health, readiness }: HealthRoutesParts): Route[] {
  const report = (of: Health) => async () => {
    const { status, checks, timestamp } = await of.report();
    return { status: status === 'healthy' ? 200 : 503, body: { status, checks, timestamp } } as const;
  };
  const answers = { 200: reportSchema, 503: reportSchema };
  return [
    route({
      method: 'get',
      path: '/health',
      atRoot: true,
      access: 'public',
      summary: 'Overall health',
      answers,
      handler: report(health),
    }),
    route({
      method: 'get',
      path: '/health',
      access: 'public',
      summary: 'Overall health',
      answers,
      handler: report(health),
    }),
    route({
      method: 'get',
      path: '/health/ready',
      access: 'public',
      summary: 'Whether requests should be sent here',
      answers,
      handler: report(readiness),
    }),
    route({
      method: 'get',
      path: '/health/live',
      atRoot: true,
      access: 'public',
      summary: 'The process only; never depends on a database',
      answers: { 200: livenessSchema },
      handler: () => ({ status: 200, body: { status: 'alive' } as const }),
    }),
  ];
}
