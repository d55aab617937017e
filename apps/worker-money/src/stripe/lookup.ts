import { hour, minute } from '@queue-service/contracts';
import type { Fenced, Found, JsonObject, OpenEffect } from '@queue-service/queue';

/** Times that decide what an object that is not there proves. Milliseconds. */
export interface LookupPolicy {
  /** As long as the first request is younger, Stripe still knows its key: documented are 24 hours; an hour is for safety. */
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

/** Time-outs of the client after which a request that it gave up can no longer be under way. */
const quietTimeouts = 10;

/** @param timeoutMs silence after which the client gives a request up: how long one may be under way follows from it */
export function lookupPolicy(timeoutMs: number): LookupPolicy {
  const quietMs = quietTimeouts * timeoutMs;
  return {
    keyLifeMs: 23 * hour,
    quietMs,
    searchLagMs: hour,
    skewMs: 5 * minute,
    flightMs: Math.max(15 * minute, quietMs),
    maxListed: 1_000,
  };
}

/** What a look at Stripe's lists brought. `complete` is false when there was more than anybody would read. */
export interface Looked<T> {
  match: T | null;
  complete: boolean;
}

/** `created` filter that holds every object which an open effect can have made. */
export function createdWindow(
  open: Pick<OpenEffect, 'firstAttemptAt' | 'lastAttemptAt'>,
  policy: LookupPolicy,
): { gte: number; lte: number } {
  return {
    gte: Math.floor((open.firstAttemptAt.getTime() - policy.skewMs) / 1_000),
    lte: Math.ceil((open.lastAttemptAt.getTime() + policy.flightMs) / 1_000),
  };
}

/**
 * Reads a list until the object of this job and effect comes by; those of earlier keys that were refused are not it. Lists are read-after-write consistent at Stripe,
 * search is not (https://docs.stripe.com/search#data-freshness), so only a list can prove that something is not there.
 */
export async function lookThrough<T extends { id: string; metadata: { [key: string]: string } | null }>(
  rows: AsyncIterable<T>,
  mark: Mark,
  { maxListed = Number.POSITIVE_INFINITY, refusedIds = [] }: { maxListed?: number; refusedIds?: readonly string[] },
): Promise<Looked<T>> {
  let seen = 0;
  for await (const row of rows) {
    if (isMarked(row, mark) && !refusedIds.includes(row.id)) return { match: row, complete: true };
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
 * What it proves that Stripe shows no object of an effect. The traps, in the order in which they are met:
 *
 * 1. Nothing of ours is under way any more (`quietMs`) and the list was read to its end: it did not happen and never will.
 *    A server error may have been saved under the key, and is replayed for ever then; so a new one is taken.
 * 2. The key is remembered, and its answer was not a server error twice: a repeat under it is harmless, however late the
 *    first request arrives. That is the quickest way to find out, and proves nothing by itself.
 * 3. Else a repeat would be as good as one under a new key. Only the proof of 1 allows that, and is waited for.
 */
export function whenNotThere<Response extends JsonObject>(
  open: Pick<OpenEffect, 'ageMs' | 'silentMs' | 'serverError' | 'repeated'>,
  looked: { complete: boolean },
  policy: LookupPolicy,
): Extract<Found<Response>, { state: 'absent_now' | 'absent_for_good' | 'pending' }> {
  // Where only search could be asked, its index must have caught up.
  const neededMs = looked.complete ? policy.quietMs : Math.max(policy.quietMs, policy.searchLagMs);
  if (open.silentMs >= neededMs) return { state: 'absent_for_good', newKey: open.serverError };
  const burnt = open.serverError && open.repeated;
  if (open.ageMs < policy.keyLifeMs && !burnt) return { state: 'absent_now' };
  return { state: 'pending', retryAfterMs: neededMs - open.silentMs };
}

/** For whoever may not repeat: a repeat that would be harmless is no proof, so it is waited for. */
export function provenAbsence<Response extends JsonObject>(
  missing: Extract<Found<Response>, { state: 'absent_now' | 'absent_for_good' | 'pending' }>,
  policy: LookupPolicy,
): Extract<Fenced<Response>, { state: 'absent_for_good' | 'pending' }> {
  return missing.state === 'absent_now' ? { state: 'pending', retryAfterMs: policy.quietMs / 4 } : missing;
}
