import { randomUUID } from 'node:crypto';
import { type AuditLog, createAuditLog } from './audit-log.ts';
import { type Books, createBooks } from './books.ts';
import { type Cache, createCache } from './cache.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { createFlows, type Flows } from './flows.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { realTiming, type Timing } from './pauses.ts';
import { createQueues, type Queues } from './queues.ts';
import { createRateLimits, type RateLimits } from './rate-limits.ts';
import { createReports, type Reports } from './reports.ts';
import { createSchedules, type Schedules } from './schedules.ts';
import { createSuppressions, type Suppressions } from './suppressions.ts';
import { createTenants, type Tenants } from './tenants.ts';
import { createTransport, type TransportOptions } from './transport.ts';
import { createWebhookEndpoints, type WebhookEndpoints } from './webhook-endpoints.ts';

export interface QueueClientOptions extends TransportOptions {
  /** After so long a silence an event stream counts as lost, in milliseconds; the service says something every 15 s. Default 45,000. */
  readonly longestSilenceMs?: number;
  /** For tests: clock, randomness and sleep. */
  readonly timing?: Timing;
}

export interface QueueClient {
  readonly jobs: Jobs;
  readonly flows: Flows;
  readonly queues: Queues;
  readonly schedules: Schedules;
  readonly deadLetters: DeadLetters;
  readonly tenants: Tenants;
  readonly webhooks: WebhookEndpoints;
  readonly auditLog: AuditLog;
  readonly rateLimits: RateLimits;
  readonly cache: Cache;
  readonly suppressions: Suppressions;
  readonly reports: Reports;
  readonly books: Books;
}

/**
 * A client of the queue service. Network errors, 429 and 503 are retried with growing, jittered pauses that honour
 * `Retry-After`; a repeated POST carries the same `Idempotency-Key`, so it makes one job.
 */
export function createQueueClient(options: QueueClientOptions): QueueClient {
  const timing = options.timing ?? realTiming;
  const { send, open } = createTransport(options, timing);
  const { longestSilenceMs = 45_000 } = options;
  return {
    jobs: createJobs(send, { open, timing, longestSilenceMs }, randomUUID),
    flows: createFlows(send, timing, randomUUID),
    queues: createQueues(send),
    schedules: createSchedules(send),
    deadLetters: createDeadLetters(send),
    tenants: createTenants(send),
    webhooks: createWebhookEndpoints(send),
    auditLog: createAuditLog(send),
    rateLimits: createRateLimits(send),
    cache: createCache(send),
    suppressions: createSuppressions(send),
    reports: createReports(open),
    books: createBooks(send),
  };
}
