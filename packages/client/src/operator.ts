import { z } from 'zod';
import {
  type AuditEntryResource,
  auditEntrySchema,
  type CreateSchedule,
  type DeadLetterResource,
  deadLetterAnswerSchema,
  deadLetterDetailAnswerSchema,
  type deadLetterDetailSchema,
  deadLetterSchema,
  type FlowResource,
  flowSchema,
  type JobHistory,
  type JobResource,
  jobAnswerSchema,
  jobHistorySchema,
  jobSchema,
  type PatchSchedule,
  type QueueStats,
  queueAnswerSchema,
  type queueMetricSchema,
  queueMetricsAnswerSchema,
  redriveManyAnswerSchema,
  type redriveManySchema,
  type ScheduleFireResource,
  type SchedulePreview,
  type ScheduleResource,
  scheduleAnswerSchema,
  scheduleFireSchema,
  schedulePreviewSchema,
  scheduleRunAnswerSchema,
  scheduleSchema,
} from '#contracts';
import type { Send } from './transport.ts';

/** What a list is filtered by, by the names of the route's query; what is undefined or empty is left out. */
export type ListQuery = Readonly<Record<string, string | number | undefined>>;

/** One page of a list, newest first. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** `cursor` of the next page; null on the last one. */
  readonly nextCursor: string | null;
}

type DeadLetterDetail = z.infer<typeof deadLetterDetailSchema>;
type QueueMetric = z.infer<typeof queueMetricSchema>;
type RedriveMany = z.input<typeof redriveManySchema>;
type RedriveManyAnswer = z.output<typeof redriveManyAnswerSchema>;

/**
 * The routes by which an operator sees and steers the service. What it may see and do is what its token may. Every call
 * throws ProblemError.
 */
export interface Operator {
  readonly jobs: {
    list(query?: ListQuery): Promise<Page<JobResource>>;
    get(id: string): Promise<JobResource>;
    /** Its attempts; of a money job its effects and its ledger too. */
    history(id: string): Promise<JobHistory>;
    /** A waiting job ends at once, a running money job through its abort signal. */
    cancel(id: string): Promise<JobResource>;
    retry(id: string): Promise<JobResource>;
  };
  readonly queues: {
    pause(queue: string): Promise<QueueStats>;
    resume(queue: string): Promise<QueueStats>;
    /** Earliest first, between two instants in ISO 8601. */
    metrics(queue: string, from: string, to: string): Promise<readonly QueueMetric[]>;
  };
  readonly deadLetters: {
    list(query?: ListQuery): Promise<Page<DeadLetterResource>>;
    get(id: string): Promise<DeadLetterDetail>;
    redrive(id: string): Promise<DeadLetterResource>;
    /** A dry run unless told otherwise. */
    redriveMany(request: RedriveMany): Promise<RedriveManyAnswer>;
    discard(id: string, reason: string): Promise<DeadLetterResource>;
  };
  readonly schedules: {
    list(query?: ListQuery): Promise<Page<ScheduleResource>>;
    get(id: string): Promise<ScheduleResource>;
    create(schedule: CreateSchedule): Promise<ScheduleResource>;
    patch(id: string, change: PatchSchedule): Promise<ScheduleResource>;
    remove(id: string): Promise<void>;
    run(id: string): Promise<ScheduleFireResource>;
    preview(id: string, count: number): Promise<SchedulePreview['fires']>;
    fires(id: string, query?: ListQuery): Promise<readonly ScheduleFireResource[]>;
  };
  readonly flows: { list(query?: ListQuery): Promise<Page<Omit<FlowResource, 'steps'>>> };
  readonly audit: { list(query?: ListQuery): Promise<Page<AuditEntryResource>> };
}

const nothing = z.undefined();

export function createOperator(send: Send): Operator {
  const read = <Answer extends z.ZodType>(path: string, answer: Answer) => send({ method: 'GET', path, answer });
  const write = <Answer extends z.ZodType>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    answer: Answer,
    body?: unknown,
  ) => send({ method, path, answer, ...(body === undefined ? {} : { body }) });
  const list = async <Item extends z.ZodType>(path: string, name: string, item: Item, query: ListQuery = {}) => {
    const page = z.looseObject({ [name]: z.array(item), nextCursor: z.string().nullable() });
    const answer = await read(`${path}${queryOf(query)}`, page);
    return { items: answer[name] as z.output<Item>[], nextCursor: answer['nextCursor'] as string | null };
  };

  return {
    jobs: {
      list: (query) => list('/jobs', 'jobs', jobSchema, query),
      get: async (id) => (await read(at`/jobs/${id}`, jobAnswerSchema)).job,
      history: (id) => read(at`/jobs/${id}/history`, jobHistorySchema),
      cancel: async (id) => (await write('DELETE', at`/jobs/${id}`, jobAnswerSchema)).job,
      retry: async (id) => (await write('POST', at`/jobs/${id}/retry`, jobAnswerSchema)).job,
    },
    queues: {
      pause: async (queue) => (await write('POST', at`/queues/${queue}/pause`, queueAnswerSchema)).queue,
      resume: async (queue) => (await write('POST', at`/queues/${queue}/resume`, queueAnswerSchema)).queue,
      metrics: async (queue, from, to) =>
        (await read(`${at`/queues/${queue}/metrics`}${queryOf({ from, to })}`, queueMetricsAnswerSchema)).metrics,
    },
    deadLetters: {
      list: (query) => list('/dead-letters', 'deadLetters', deadLetterSchema, query),
      get: async (id) => (await read(at`/dead-letters/${id}`, deadLetterDetailAnswerSchema)).deadLetter,
      redrive: async (id) => (await write('POST', at`/dead-letters/${id}/redrive`, deadLetterAnswerSchema)).deadLetter,
      redriveMany: (request) => write('POST', '/dead-letters/redrive', redriveManyAnswerSchema, request),
      discard: async (id, reason) =>
        (await write('DELETE', `${at`/dead-letters/${id}`}${queryOf({ reason })}`, deadLetterAnswerSchema)).deadLetter,
    },
    schedules: {
      list: (query) => list('/schedules', 'schedules', scheduleSchema, query),
      get: async (id) => (await read(at`/schedules/${id}`, scheduleAnswerSchema)).schedule,
      create: async (schedule) => (await write('POST', '/schedules', scheduleAnswerSchema, schedule)).schedule,
      patch: async (id, change) => (await write('PATCH', at`/schedules/${id}`, scheduleAnswerSchema, change)).schedule,
      remove: (id) => write('DELETE', at`/schedules/${id}`, nothing),
      run: async (id) => (await write('POST', at`/schedules/${id}/run`, scheduleRunAnswerSchema)).fire,
      preview: async (id, count) =>
        (await read(`${at`/schedules/${id}/preview`}${queryOf({ count })}`, schedulePreviewSchema)).fires,
      fires: async (id, query) => (await list(at`/schedules/${id}/fires`, 'fires', scheduleFireSchema, query)).items,
    },
    flows: { list: (query) => list('/flows', 'flows', flowSchema.omit({ steps: true }), query) },
    audit: { list: (query) => list('/audit-log', 'entries', auditEntrySchema, query) },
  };
}

/** A path whose parts cannot leave their place. */
function at(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw(parts, ...values.map(encodeURIComponent));
}

function queryOf(query: ListQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
}
