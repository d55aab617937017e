import type { Clock } from '../http/clock.ts';
import type { EffectLog } from '../http/effects.ts';
import type { IdSource } from '../http/ids.ts';
import type { Book, StripeState, TimerKind } from './state.ts';

export interface StripeSettings {
  /** Available balance that every account starts with, per currency, in minor units. */
  openingBalance: number;
  /** How long a bank debit is `processing` before it settles by itself, in ms of the sandbox clock. */
  bankDebitSettlesAfterMs: number;
  /** How long new and changed objects cannot be found by search, in ms; Stripe: "less than a minute" when all is well. */
  searchDelayMs: number;
}

/** What every part of the simulated Stripe works with. */
export interface World {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly effects: EffectLog;
  readonly state: StripeState;
  readonly settings: StripeSettings;
  /** Lets something happen to an object later, in ms of the sandbox clock; a change of its state meanwhile undoes that. */
  schedule(book: Book, timer: { kind: TimerKind; id: string; dueInMs: number }): void;
  /** Makes an event of the account and sends it to the webhook endpoints. */
  emit(book: Book, type: string, object: unknown): void;
}

/** Stripe's timestamps: seconds. */
export function seconds(world: World): number {
  return Math.floor(world.clock.now() / 1000);
}

/** An id of Stripe's look, such as `pi_3Q…`. */
export function newId(world: World, prefix: string): string {
  return `${prefix}_1${world.ids.token(23)}`;
}

/** The metadata key by which this service marks every object it makes. */
const JOB_ID_KEY = 'queue_job_id';

export function jobIdOf(metadata: { [key: string]: string } | null): string | null {
  return metadata?.[JOB_ID_KEY] ?? null;
}
