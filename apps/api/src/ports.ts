import type {
  FlowPlan,
  FlowResource,
  FlowStatus,
  JobResource,
  JobStatus,
  JobType,
  QueueName,
} from '@queue-service/contracts';
import type { Change } from './audit.ts';

/** What may be seen: what belongs to this tenant, or everything (null). What lies outside does not exist for the asker. */
export type Scope = string | null;

/** A place in a list that is ordered by creation, newest first, ties broken by id, descending. */
export interface Position {
  /** ISO 8601 with milliseconds. */
  readonly createdAt: string;
  readonly id: string;
}

export interface PageRequest {
  /** 1 to 100. */
  readonly limit: number;
  /** The last item that the asker has; null for the first page. */
  readonly after: Position | null;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page starts; null on the last one. */
  readonly next: Position | null;
}

export interface JobFilter {
  readonly queue?: QueueName | undefined;
  readonly type?: JobType | undefined;
  readonly status?: JobStatus | undefined;
  /** Created at or after. */
  readonly from?: Date | undefined;
  /** Created before. */
  readonly to?: Date | undefined;
}

/** Reads jobs of all queues. Throws DatabaseUnavailableError or QueueUnavailableError when it cannot tell. */
export interface Jobs {
  find(id: string, scope: Scope): Promise<JobResource | null>;
  list(filter: JobFilter, scope: Scope, page: PageRequest): Promise<Page<JobResource>>;
}

/** A flow to accept: planned, so known to be able to run. */
export interface NewFlow {
  readonly plan: FlowPlan;
  readonly tenantId: string;
  readonly idempotencyKey: string | null;
  /** Of what was posted: tells the same request from another one under the same key. */
  readonly requestHash: string;
  readonly webhookUrl: string | null;
  readonly requestId: string;
  readonly traceId: string | null;
  /** W3C traceparent of the request. */
  readonly traceparent: string | null;
}

export type FlowAcceptance =
  | { readonly outcome: 'created' | 'replayed'; readonly flow: FlowResource }
  | { readonly outcome: 'key_reused'; readonly flowId: string };

export interface FlowFilter {
  readonly status?: FlowStatus | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** A flow in a list: without its steps, of which there may be thousands. */
export type FlowSummary = Omit<FlowResource, 'steps'>;

/** Throws DatabaseUnavailableError when PostgreSQL cannot be reached. */
export interface Flows {
  /** Committed when it resolves; the first steps start by themselves. */
  create(flow: NewFlow): Promise<FlowAcceptance>;
  find(id: string, scope: Scope): Promise<FlowResource | null>;
  /** @throws Problem `not_found`, `conflict` */
  cancel(id: string, change: Change): Promise<FlowResource>;
  /** @throws Problem `not_found`, `conflict`; QueueUnavailableError when a queue that has to take a step is away */
  retry(id: string, change: Change): Promise<FlowResource>;
  list(filter: FlowFilter, scope: Scope, page: PageRequest): Promise<Page<FlowSummary>>;
}
