import { hour, minute } from '@queue-service/contracts';
import type { OpenEffect } from '@queue-service/queue';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createdWindow, defaultLookup, lookThrough, whenNotThere } from './lookup.ts';

const now = Date.UTC(2027, 0, 1);
const open = (more: { firstAgoMs: number; lastAgoMs: number; sends?: number; serverError?: boolean }): OpenEffect => ({
  idempotencyKey: 'key',
  memo: null,
  firstAttemptAt: new Date(now - more.firstAgoMs),
  lastAttemptAt: new Date(now - more.lastAgoMs),
  sends: more.sends ?? 1,
  serverError: more.serverError ?? false,
  signal: new AbortController().signal,
});
const verdict = (effect: OpenEffect, complete = true) => whenNotThere(effect, { complete }, defaultLookup, now);

describe('what an object that is not there proves', () => {
  it('while the key is remembered: send again under it, at once', () => {
    expect(verdict(open({ firstAgoMs: 22 * hour, lastAgoMs: 0 }), false)).toEqual({ state: 'absent' });
    expect(verdict(open({ firstAgoMs: 1, lastAgoMs: 1, serverError: true }))).toEqual({ state: 'absent' });
  });

  it('after a second server error: a new key, once nothing can be under way', () => {
    const burnt = { firstAgoMs: 10 * minute, sends: 2, serverError: true };
    expect(verdict(open({ ...burnt, lastAgoMs: 1 }))).toEqual({
      state: 'pending',
      retryAfterMs: defaultLookup.quietMs - 1,
    });
    expect(verdict(open({ ...burnt, lastAgoMs: 2 * minute }))).toEqual({ state: 'absent', newKey: true });
  });

  it('after a day: as if the key were new, but the key is kept', () => {
    expect(verdict(open({ firstAgoMs: 24 * hour, lastAgoMs: minute }))).toMatchObject({ state: 'pending' });
    expect(verdict(open({ firstAgoMs: 24 * hour, lastAgoMs: 2 * minute }))).toEqual({ state: 'absent' });
  });

  it('where only the index was asked: nothing until it has caught up', () => {
    const old = { firstAgoMs: 30 * hour };
    expect(verdict(open({ ...old, lastAgoMs: 59 * minute }), false)).toEqual({
      state: 'pending',
      retryAfterMs: minute,
    });
    expect(verdict(open({ ...old, lastAgoMs: hour }), false)).toEqual({ state: 'absent' });
  });

  it('never lets a request leave that Stripe may take for a new one while another may be under way', () => {
    const ages = fc.integer({ min: 0, max: 60 * hour });
    fc.assert(
      fc.property(
        ages,
        ages,
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        fc.boolean(),
        (a, b, sends, serverError, complete) => {
          const effect = open({ firstAgoMs: Math.max(a, b), lastAgoMs: Math.min(a, b), sends, serverError });
          const found = verdict(effect, complete);
          const newToStripe = found.state === 'absent' && (found.newKey === true || Math.max(a, b) >= 23 * hour);
          if (newToStripe)
            expect(Math.min(a, b)).toBeGreaterThanOrEqual(complete ? defaultLookup.quietMs : defaultLookup.searchLagMs);
        },
      ),
    );
  });
});

describe('looking through a list', () => {
  const mark = { queue_job_id: 'job-1', queue_effect: 'charge' };
  async function* rows(...marks: (typeof mark | null)[]) {
    for (const metadata of marks) yield { metadata };
  }

  it('knows its own by job and effect', async () => {
    const other = { ...mark, queue_effect: 'refund' };
    expect(await lookThrough(rows(null, other, mark), mark, 10)).toEqual({ match: { metadata: mark }, complete: true });
    expect(await lookThrough(rows(null, other), mark, 10)).toEqual({ match: null, complete: true });
  });

  it('says when it did not read to the end', async () => {
    expect(await lookThrough(rows(null, null, mark), mark, 2)).toEqual({ match: null, complete: false });
  });

  it('reads the time in which the object can have been made, with room for clocks that differ', () => {
    const window = createdWindow(open({ firstAgoMs: hour, lastAgoMs: 0 }), defaultLookup);
    expect(window).toEqual({ gte: (now - hour - 5 * minute) / 1_000, lte: (now + 15 * minute) / 1_000 });
  });
});
