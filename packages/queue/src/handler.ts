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
  /** The same on every repeat of this effect, unless `find` has proved that a new one is needed. */
  idempotencyKey: string;
  /** Aborted at the job's time-out, at a cancel, and when the claim is lost. */
  signal: AbortSignal;
  /** 1 at the first send. Later, a refusal says nothing of the requests that left before. */
  sends: number;
  /** What an earlier try remembered, null at first. */
  memo: JsonObject | null;
  /** Commits what must be known before the request leaves (a signature, say). Throws when the claim is lost. */
  remember(memo: JsonObject): Promise<void>;
}

/** What is known of an effect whose outcome is open. Times are those of the database. */
export interface OpenEffect {
  idempotencyKey: string;
  memo: JsonObject | null;
  firstAttemptAt: Date;
  lastAttemptAt: Date;
  /** How often the request has left, as far as is known. */
  sends: number;
  /** True when the last answer was a server error of the provider: under its key it may be replayed for ever. */
  serverError: boolean;
  signal: AbortSignal;
}

/** What the provider says of an earlier try. */
export type Found<Response extends JsonObject> =
  | ({ state: 'done' } & EffectResult<Response>)
  | { state: 'rejected'; code: string; message: string }
  /** It did not happen: send. `newKey` when the old key is burnt (a saved 500). */
  | { state: 'absent'; newKey?: boolean }
  /** It may still happen: look again after this time, without using an attempt. */
  | { state: 'pending'; retryAfterMs: number }
  /** The provider cannot tell. Never sent again; a person must look when the attempts are used up. */
  | { state: 'unclear'; reason: string };

/**
 * One effect in the outside world. `send` does it, `find` asks what became of it; both see only what was stored, so
 * that a repeat is byte for byte the same.
 *
 * `send` throws PermanentError when the provider refused, RetryableError or RateLimitedError when nothing happened,
 * UnknownOutcomeError when it may have happened.
 */
export interface EffectSpec<Request extends JsonObject, Response extends JsonObject> {
  provider: Provider;
  /** What is done, in the provider's words: `payment_intents.create`. */
  operation: string;
  request: Request;
  /** For the books; minor units. */
  amount?: number;
  currency?: string;
  /**
   * For providers that cannot be asked (mail, SMS): `repeat` sends again after an unknown outcome, `stop` dead-letters.
   * Default: ask `find`.
   */
  onUnknown?: 'find' | 'repeat' | 'stop';
  send(request: Request, call: EffectCall): Promise<EffectResult<Response>>;
  find?(request: Request, open: OpenEffect): Promise<Found<Response>>;
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
