import { BUCKETS } from './buckets.ts';
import type { Instruments } from './instruments.ts';

/** What the API counts about its requests. */
export function httpMetrics({ counter, duration }: Instruments) {
  return {
    /** `route` is the template (`/jobs/:id`), never the path; `status` the number. */
    httpRequest: duration(
      'http_request_duration_seconds',
      'Duration of an HTTP request, by route template',
      ['method', 'route', 'status'],
      BUCKETS.request,
    ),
    requestsShed: counter('http_requests_shed_total', 'Requests refused at once, because of too much load', ['reason']),
    rateLimitDecisions: counter('rate_limit_decisions_total', 'Requests let through or refused by a rate limit', [
      'limit',
      'decision',
    ]),
    cacheRequests: counter('cache_requests_total', 'Reads through the read cache: hit or miss', ['cache', 'result']),
  };
}
