export { WebhookVerificationError } from 'standardwebhooks';
export type {
  FlowResource,
  JobInput,
  JobOptions,
  JobResource,
  JobResult,
  JobStatus,
  JobType,
  Problem,
  ProblemCode,
  QueueStats,
} from '#contracts';
export { isJobType } from '#contracts';
export { createQueueClient, type QueueClient, type QueueClientOptions } from './client.ts';
export { JobFailedError, ProblemError, WaitTimeoutError } from './errors.ts';
export type { FlowInput, Flows } from './flows.ts';
export type { JobOf, JobReference, Jobs, RequestOptions } from './jobs.ts';
export type { ListQuery, Operator, Page } from './operator.ts';
export type { Timing } from './pauses.ts';
export type { Queues } from './queues.ts';
export type { WaitOptions } from './wait.ts';
export { verifyWebhook } from './webhooks.ts';
