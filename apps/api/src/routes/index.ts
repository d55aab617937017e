import type { Route } from '../http/route.ts';
import { flowRoutes } from './flows.ts';
import { type HealthRoutesParts, healthRoutes } from './health.ts';
import { type JobRoutesParts, jobRoutes } from './jobs.ts';
import { metricsRoutes } from './metrics.ts';
import { serviceRoutes } from './service.ts';

export type RouteParts = JobRoutesParts &
  Parameters<typeof flowRoutes>[0] &
  HealthRoutesParts &
  Parameters<typeof metricsRoutes>[0] &
  Parameters<typeof serviceRoutes>[0];

/** The API table. */
export function allRoutes(parts: RouteParts): Route[] {
  return [
    ...healthRoutes(parts),
    ...serviceRoutes(parts),
    ...jobRoutes(parts),
    ...flowRoutes(parts),
    ...metricsRoutes(parts),
  ];
}
