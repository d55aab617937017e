import type { z } from 'zod';
import { type JobPolicy, type QueueName, queues } from './queues.ts';

/** Who asks for a job. */
export interface Poster {
  readonly admin: boolean;
  /** Whom the job will belong to. */
  readonly tenantId: string;
}

/** The tenant of what admins do on behalf of no tenant; its jobs reach the rows of all. */
export const platformTenant = 'platform';

/**
 * Everything the house knows of one job type. The API, the workers, the OpenAPI document, the client and the masking
 * all derive from it.
 */
export interface JobContract<
  Type extends string = string,
  Queue extends QueueName = QueueName,
  Payload extends z.ZodObject = z.ZodObject,
  Result extends z.ZodObject = z.ZodObject,
> {
  readonly type: Type;
  readonly queue: Queue;
  readonly summary: string;
  /** Version of the payload schema; it rises when the schema changes in a way old payloads do not fit. */
  readonly version: number;
  readonly payload: Payload;
  readonly result: Result;
  readonly policy: JobPolicy;
  /** Dotted paths into the payload, `*` for every element or key: encrypted at rest, masked everywhere else. */
  readonly personalData: readonly string[];
  /** Error codes with which a handler fails for good; open-ended provider codes are described, not listed. */
  readonly permanentFailures: readonly string[];
  /** `upgrades[n]` turns a payload of version n into version n + 1. */
  readonly upgrades: Readonly<Record<number, (payload: Record<string, unknown>) => Record<string, unknown>>>;
  /**
   * Why this poster may have no such job, null where there is nothing against it. Asked at the API's door; a handler that
   * has rules of its own still checks them, as references of a flow are resolved later.
   */
  refuses(data: Record<string, unknown>, poster: Poster): string | null;
  /** Valid by test; the examples of the documentation and the stand-ins when a flow's references are checked. */
  readonly example: { readonly payload: z.input<Payload>; readonly result: z.output<Result> };
}

export function defineJob<
  const Type extends string,
  const Queue extends QueueName,
  Payload extends z.ZodObject,
  Result extends z.ZodObject,
>(
  contract: Omit<JobContract<Type, Queue, Payload, Result>, 'policy' | 'upgrades' | 'refuses'> & {
    /** What differs from the policy of the queue. */
    policy?: Partial<JobPolicy>;
    upgrades?: JobContract['upgrades'];
    /** Default: nothing is refused. */
    refuses?: JobContract['refuses'];
  },
): JobContract<Type, Queue, Payload, Result> {
  return {
    ...contract,
    policy: { ...queues[contract.queue].policy, ...contract.policy },
    upgrades: contract.upgrades ?? {},
    refuses: contract.refuses ?? (() => null),
  };
}
