import type { JobPayload, JobResult, JobType, JobTypeOf, QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** The outside systems an effect can reach. */
export type Provider = 'stripe' | 'solana' | 'sendgrid' | 'smtp' | 'twilio' | 'webpush' | 'fcm' | 'segment' | 'webhook';

/** What a provider made of a request. `providerId` is the provider's own name for what exists now. */
export interface EffectResult<Response extends JsonObject> {
  providerId: string | null;
  response: Response;
}

/** What `send` is given besides the request. */
export interface EffectCall {
  /** The same on every repeat of this effect, unless it is proven that a new one does no harm. */
  idempotencyKey: string;
  /** Aborted at the job's time-out, at a cancel, and when the claim is lost. */
  signal: AbortSignal;
  /** Rises with each request that leaves, or may have, over all keys. */
  sends: number;
  /** What an earlier try under this key remembered, null at first. */
  memo: JsonObject | null;
  /**
   * Commits what must be known before the request leaves: a signature, the id of an object that is not in force yet.
   * @throws ClaimLostError
   */
  remember(memo: JsonObject, providerId?: string): Promise<void>;
  /** To be called right before a request leaves, after all that may take time. Asks only when some has passed. @throws ClaimLostError */
  requireClaim(): Promise<void>;
}

/** What is known of an effect whose outcome is open. Durations are those of the database's clock, in milliseconds. */
export interface OpenEffect {
  idempotencyKey: string;
  memo: JsonObject | null;
  firstAttemptAt: Date;
  lastAttemptAt: Date;
  /** Since the first request under this key left. */
  ageMs: number;
  /** Since the last request under this key left, or was answered. */
  silentMs: number;
  /** Several requests may have left under this key. */
  repeated: boolean;
  /** True when the last answer was a server error of the provider: under its key it may be replayed for ever. */
  serverError: boolean;
  /** The provider's ids of what it refused under earlier keys: ours, and to be ignored. */
  refusedIds: readonly string[];
  signal: AbortSignal;
}

/**
 * What the provider says of what was sent. The two kinds of absence are different answers, so that none can be taken
 * for the other: only `absent_for_good` and `rejected` allow a cancel, a compensation or a new key.
 */
export type Found<Response extends JsonObject> =
  | ({ state: 'done' } & EffectResult<Response>)
  /** The provider refused it, and nothing that left can still succeed. `providerId` of the refused object. */
  | { state: 'rejected'; code: string; message: string; providerId?: string }
  /** It is not there now. A repeat under the same key is harmless, and nothing else is. */
  | { state: 'absent_now' }
  /** It did not happen and never will, whatever of ours is still under way. `newKey`: the old key is burnt (a saved 500). */
  | { state: 'absent_for_good'; newKey?: boolean }
  /** It may still happen: look again after this time, without using an attempt. */
  | { state: 'pending'; retryAfterMs: number; reason?: string }
  /** It has not happened and should not any more. Where `fence` makes sure of that, the effect failed with this code. */
  | { state: 'overdue'; code: string; message: string }
  /** The provider cannot tell. Never sent again; a person must look when the attempts are used up. */
  | { state: 'unclear'; reason: string };

/** What a fence brings: it holds, it came too late, or that is not known yet. */
export type Fenced<Response extends JsonObject> = Extract<
  Found<Response>,
  { state: 'done' | 'rejected' | 'absent_for_good' | 'pending' }
>;

/**
 * One effect in the outside world. `send` does it, `find` asks what became of it; both see only what was stored, so
 * that a repeat is byte for byte the same.
 *
 * `send` throws PermanentError when the provider refused, RetryableError or RateLimitedError when nothing happened,
 * UnknownOutcomeError when it may have happened, or will be decided later. It need not watch the signal while it waits
 * for an answer: the runtime does, and hears the answer all the same.
 */
export type EffectSpec<Request extends JsonObject, Response extends JsonObject> = EffectAdapter<Request, Response> &
  (EffectOrder<Request> | { prepare(): Promise<EffectOrder<Request>> });

/** What is to be sent. Stored at the first send; later runs go by what is stored. */
export interface EffectOrder<Request extends JsonObject> {
  request: Request;
  /** For the books; minor units. */
  amount?: number;
  currency?: string;
}

/**
 * How one provider does it. A request that must be looked up and checked first is given as `prepare`, which is asked only
 * while nothing has been sent: what may have happened must be found out whatever its checks would say by now.
 */
export interface EffectAdapter<Request extends JsonObject, Response extends JsonObject> {
  provider: Provider;
  /** What is done, in the provider's words: `payment_intents.confirm`. */
  operation: string;
  /**
   * Asked before each send, also a repeat. Throws PermanentError where nothing may be sent any more; what was sent before is
   * then fenced and found out.
   */
  check?(): Promise<void>;
  /**
   * For providers that cannot be asked (mail, SMS): `repeat` sends again after an unknown outcome, `stop` dead-letters.
   * Default: ask `find`.
   */
  onUnknown?: 'find' | 'repeat' | 'stop';
  send(request: Request, call: EffectCall): Promise<EffectResult<Response>>;
  /** Changes nothing. */
  find?(request: Request, open: OpenEffect): Promise<Found<Response>>;
  /** An act at the provider after which nothing that was sent can still have an effect. Default: `find`, again and again. */
  fence?(request: Request, open: OpenEffect): Promise<Fenced<Response>>;
  /**
   * Looks for the effect by the marks it carries, without any memory of it: asked before a first send by a job that ran
   * before, in case that what was written then is lost (a restore from a backup).
   * @param since when the job was accepted
   */
  recall?(request: Request, since: Date, signal: AbortSignal): Promise<EffectResult<Response> | null>;
}

/** What a handler may touch. It never sees BullMQ, Redis or Prisma. */
export interface JobContext {
  readonly jobId: string;
  readonly tenantId: string;
  /** 1 at the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly requestId: string | null;
  readonly flowId: string | null;
  readonly createdAt: Date;
  /** Aborted at the time-out, at a cancel and when the worker lost its claim; `reason` says which. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Shows on the job's event stream; 0 to 100, or an object. Never fails the job. */
  progress(value: number | JsonObject): void;
  /**
   * Does an effect at most once, and finds out first what became of an earlier try.
   * @param name unique within the job
   */
  effect<Request extends JsonObject, Response extends JsonObject>(
    name: string,
    spec: EffectSpec<Request, Response>,
  ): Promise<EffectResult<Response>>;
}

/** "Not done yet, look again": for outcomes that the provider gives later. Uses no attempt. */
export class Snooze {
  readonly delayMs: number;
  readonly reason: string;

  constructor(delayMs: number, reason: string) {
    this.delayMs = delayMs;
    this.reason = reason;
  }
}

/** @param delayMs until the job is run again, unless an event of the provider wakes it before */
export function snooze(delayMs: number, reason: string): Snooze {
  return new Snooze(delayMs, reason);
}

export type Handler<Type extends JobType> = (
  payload: JobPayload<Type>,
  ctx: JobContext,
) => Promise<JobResult<Type> | Snooze>;

/** One handler for each job type of a queue: a missing, surplus or ill-fitting one does not compile. */
export type Handlers<Queue extends QueueName> = { readonly [Type in JobTypeOf<Queue>]: Handler<Type> };
