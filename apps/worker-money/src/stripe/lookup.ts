import { hour, minute, second } from '@queue-service/contracts';
import type { Found, JsonObject, OpenEffect } from '@queue-service/queue';
import type { Clock } from './clock.ts';

/** Times that decide what an object that is not there proves. Milliseconds. */
export interface LookupPolicy {
  /** As long as the first request is younger, Stripe still knows its key: documented are 24 hours; an hour is for clocks that differ. */
  keyLifeMs: number;
  /** After this silence no request of ours is under way any more, on the network or at Stripe. */
  quietMs: number;
  /** Stripe's search runs behind: under a minute as a rule, an hour in its bad times. */
  searchLagMs: number;
  /** Objects are looked for from this long before the first request … */
  skewMs: number;
  /** … to this long after the last. */
  flightMs: number;
  /** Objects that a list is read for before search is asked instead. */
  maxListed: number;
}

export const defaultLookup: LookupPolicy = {
  keyLifeMs: 23 * hour,
  quietMs: 90 * second,
  searchLagMs: hour,
  skewMs: 5 * minute,
  flightMs: 15 * minute,
  maxListed: 1_000,
};

/** What a look at Stripe's lists brought. `complete` is false when there was more than anybody would read. */
export interface Looked<T> {
  match: T | null;
  complete: boolean;
}

/** `created` filter that holds every object which an open effect can have made. */
export function createdWindow(open: OpenEffect, policy: LookupPolicy): { gte: number; lte: number } {
  return {
    gte: Math.floor((open.firstAttemptAt.getTime() - policy.skewMs) / 1_000),
    lte: Math.ceil((open.lastAttemptAt.getTime() + policy.flightMs) / 1_000),
  };
}

/**
 * Reads a list until the object of this job and effect comes by. Lists are read-after-write consistent at Stripe,
 * search is not (https://docs.stripe.com/search#data-freshness), so only a list can prove that something is not there.
 */
export async function lookThrough<T extends { metadata: { [key: string]: string } | null }>(
  rows: AsyncIterable<T>,
  mark: Mark,
  maxListed: number,
): Promise<Looked<T>> {
  let seen = 0;
  for await (const row of rows) {
    if (isMarked(row, mark)) return { match: row, complete: true };
    seen += 1;
    if (seen >= maxListed) return { match: null, complete: false };
  }
  return { match: null, complete: true };
}

/** The metadata by which an object is known as ours. */
export type Mark = { queue_job_id: string; queue_effect: string };

export function isMarked(row: { metadata: { [key: string]: string } | null }, mark: Mark): boolean {
  return row.metadata?.queue_job_id === mark.queue_job_id && row.metadata.queue_effect === mark.queue_effect;
}

/**
 * What to do about an effect of which Stripe shows no object. The traps, in the order in which they are met:
 *
 * 1. The key is remembered and its last answer was no server error: send again under it. Stripe answers with what it
 *    saved, or does it now, or says that the first request is still at work. Nothing can be doubled, however late
 *    the first request arrives. That is the quickest way to find out.
 * 2. A server error was the answer once: the same. An overloaded gateway's 503 is not saved, so the repeat succeeds.
 * 3. It was the answer twice: taken as saved, and a saved 500 is replayed for ever. A new key is needed, and a new key is a new
 *    charge, so first nothing of ours may be under way any more (`quietMs`) and the list must be read to its end.
 * 4. The key may be forgotten: it is as good as a new one, so the same proof is needed. It is kept nevertheless: should
 *    Stripe know it still, so much the better.
 * @param nowMs the worker's time
 */
export function whenNotThere<Response extends JsonObject>(
  open: OpenEffect,
  looked: { complete: boolean },
  policy: LookupPolicy,
  nowMs: number,
): Found<Response> {
  const remembered = nowMs - open.firstAttemptAt.getTime() < policy.keyLifeMs;
  const burnt = open.serverError && open.sends > 1;
  if (remembered && !burnt) return { state: 'absent' };

  const silentForMs = nowMs - open.lastAttemptAt.getTime();
  // Where only search could be asked, its index must have caught up.
  const neededMs = looked.complete ? policy.quietMs : Math.max(policy.quietMs, policy.searchLagMs);
  if (silentForMs < neededMs) return { state: 'pending', retryAfterMs: neededMs - silentForMs };
  return open.serverError ? { state: 'absent', newKey: true } : { state: 'absent' };
}

/** What the adapters need besides the SDK. */
export interface LookupTools {
  policy: LookupPolicy;
  clock: Clock;
}
