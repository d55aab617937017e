import type { Metrics } from '@queue-service/observability';
import { type Route, route } from '../http/route.ts';

export function metricsRoutes({ metrics }: { readonly metrics: Pick<Metrics, 'text' | 'contentType'> }): Route[] {
  return [
    route({
      method: 'get',
      path: '/metrics/prometheus',
      access: 'metrics',
      summary: "Metrics in Prometheus' text format",
      answers: { 200: { mediaType: 'text/plain' } },
      handler: async () => ({
        status: 200,
        body: await metrics.text(),
        headers: { 'Content-Type': metrics.contentType },
      }),
    }),
  ];
}
