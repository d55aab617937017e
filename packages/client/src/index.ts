export { WebhookVerificationError } from 'standardwebhooks';
export type {
  AuditEntryResource,
  BatchAnswer,
  BookDifferenceResource,
  DeadLetterResource,
  FlowResource,
  JobInput,
  JobOptions,
  JobResource,
  JobResult,
  JobStatus,
  JobType,
  Problem,
  ProblemCode,
  QueueName,
  QueueStats,
  RateLimitResource,
  ReconciliationResource,
  ScheduleResource,
  SuppressionResource,
  TenantAccountResource,
  WebhookDeliveryResource,
  WebhookResource,
} from '#contracts';
export { isJobType, jobStatuses, queueNames } from '#contracts';
export type { AuditLog } from './audit-log.ts';
export type { Books } from './books.ts';
export type { Cache } from './cache.ts';
export { createQueueClient, type QueueClient, type QueueClientOptions } from './client.ts';
export type { DeadLetters } from './dead-letters.ts';
export { JobFailedError, ProblemError, WaitTimeoutError } from './errors.ts';
export type { FlowInput, Flows } from './flows.ts';
export type { EventOptions, JobEventOf } from './job-events.ts';
export type { BatchJob, JobListQuery, JobOf, JobReference, Jobs, RequestOptions } from './jobs.ts';
export type { Timing } from './pauses.ts';
export type { Queues } from './queues.ts';
export type { RateLimits } from './rate-limits.ts';
export type { Report, Reports } from './reports.ts';
export type { Schedules } from './schedules.ts';
export type { Suppressions } from './suppressions.ts';
export type { Tenants } from './tenants.ts';
export type { WaitOptions } from './wait.ts';
export type { WebhookEndpoints } from './webhook-endpoints.ts';
export { verifyWebhook } from './webhooks.ts';
