import { randomUUID } from 'node:crypto';
import { type AuditLog, createAuditLog } from './audit-log.ts';
import { type Cache, createCache } from './cache.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { createFlows, type Flows } from './flows.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { realTiming, type Timing } from './pauses.ts';
import { createQueues, type Queues } from './queues.ts';
import { createRateLimits, type RateLimits } from './rate-limits.ts';
import { createSchedules, type Schedules } from './schedules.ts';
import { createTenants, type Tenants } from './tenants.ts';
import { createTransport, type TransportOptions } from './transport.ts';
import { createWebhookEndpoints, type WebhookEndpoints } from './webhook-endpoints.ts';

export interface QueueClientOptions extends TransportOptions {
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
}

/**
 * A client of the queue service. Network errors, 429 and 503 are retried with growing, jittered pauses that honour
 * `Retry-After`; a repeated POST carries the same `Idempotency-Key`, so it makes one job.
 */
export function createQueueClient(options: QueueClientOptions): QueueClient {
  const timing = options.timing ?? realTiming;
  const send = createTransport(options, timing);
  return {
    jobs: createJobs(send, timing, randomUUID),
    flows: createFlows(send, timing, randomUUID),
    queues: createQueues(send),
    schedules: createSchedules(send),
    deadLetters: createDeadLetters(send),
    tenants: createTenants(send),
    webhooks: createWebhookEndpoints(send),
    auditLog: createAuditLog(send),
    rateLimits: createRateLimits(send),
    cache: createCache(send),
  };
}
