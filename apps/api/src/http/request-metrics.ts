import type { Metrics } from '@queue-service/observability';
import type { RequestHandler } from 'express';
import type { FactsOfRequests } from './request-facts.ts';

/** Measures each request until its answer is sent or its client is gone. */
export function requestMetrics(metrics: Pick<Metrics, 'httpRequest'>, facts: FactsOfRequests): RequestHandler {
  return (req, res, next) => {
    const end = metrics.httpRequest.start();
    res.once('close', () => {
      const { route = 'unmatched' } = facts.of(res);
      end({ method: req.method, route, status: String(res.statusCode) });
    });
    next();
  };
}
