import { hour, minute } from '@queue-service/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createdWindow, lookThrough, lookupPolicy, provenAbsence, whenNotThere } from './lookup.ts';

const policy = lookupPolicy(30_000);
const at = Date.UTC(2027, 0, 1);
const open = (more: { ageMs: number; silentMs: number; repeated?: boolean; serverError?: boolean }) => ({
  ...{ repeated: false, serverError: false, ...more },
  firstAttemptAt: new Date(at - more.ageMs),
  lastAttemptAt: new Date(at - more.silentMs),
});
const verdict = (effect: ReturnType<typeof open>, complete = true) => whenNotThere(effect, { complete }, policy);

describe('what an object that is not there proves', () => {
  it('while the key is remembered: that a repeat under it is harmless, and nothing else', () => {
    expect(verdict(open({ ageMs: 22 * hour, silentMs: 0 }), false)).toEqual({ state: 'absent_now' });
    expect(verdict(open({ ageMs: 1, silentMs: 1, serverError: true }))).toEqual({ state: 'absent_now' });
    expect(provenAbsence(verdict(open({ ageMs: 1, silentMs: 1 })), policy)).toMatchObject({ state: 'pending' });
  });

  it('after a silence, where the list was read to its end: that it never will be', () => {
    expect(verdict(open({ ageMs: hour, silentMs: policy.quietMs }))).toEqual({
      state: 'absent_for_good',
      newKey: false,
    });
  });

  it('after a second server error: nothing until then, and then the key is burnt', () => {
    const burnt = { ageMs: 10 * minute, repeated: true, serverError: true };
    expect(verdict(open({ ...burnt, silentMs: 1 }))).toEqual({ state: 'pending', retryAfterMs: policy.quietMs - 1 });
    expect(verdict(open({ ...burnt, silentMs: policy.quietMs }))).toEqual({ state: 'absent_for_good', newKey: true });
  });

  it('after a day, when Stripe may have forgotten the key: nothing until the silence', () => {
    expect(verdict(open({ ageMs: 24 * hour, silentMs: minute }))).toMatchObject({ state: 'pending' });
  });

  it('where only the index was asked: nothing until it has caught up', () => {
    const old = { ageMs: 30 * hour };
    expect(verdict(open({ ...old, silentMs: 59 * minute }), false)).toEqual({ state: 'pending', retryAfterMs: minute });
    expect(verdict(open({ ...old, silentMs: hour }), false)).toMatchObject({ state: 'absent_for_good' });
  });

  it('never that a request may leave which Stripe takes for a new one while another may be under way', () => {
    const ages = fc.integer({ min: 0, max: 60 * hour });
    const flags = fc.record({ repeated: fc.boolean(), serverError: fc.boolean() });
    fc.assert(
      fc.property(ages, ages, flags, fc.boolean(), (a, b, more, complete) => {
        const found = verdict(open({ ageMs: Math.max(a, b), silentMs: Math.min(a, b), ...more }), complete);
        const newToStripe =
          found.state === 'absent_for_good' || (found.state === 'absent_now' && Math.max(a, b) >= 23 * hour);
        if (newToStripe) expect(Math.min(a, b)).toBeGreaterThanOrEqual(complete ? policy.quietMs : policy.searchLagMs);
      }),
    );
  });

  it('takes longer the longer the client waits for an answer', () => {
    for (const timeoutMs of [1_000, 30_000, 120_000]) {
      expect(lookupPolicy(timeoutMs).quietMs).toBeGreaterThanOrEqual(2 * timeoutMs);
      expect(lookupPolicy(timeoutMs).flightMs).toBeGreaterThanOrEqual(lookupPolicy(timeoutMs).quietMs);
    }
  });
});

describe('looking through a list', () => {
  const mark = { queue_job_id: 'job-1', queue_effect: 'charge' };
  async function* rows(...marks: (typeof mark | null)[]) {
    for (const [index, metadata] of marks.entries()) yield { id: `pi_${index}`, metadata };
  }

  it('knows its own by job and effect, but for those that were refused', async () => {
    const other = { ...mark, queue_effect: 'refund' };
    const match = { id: 'pi_2', metadata: mark };
    expect(await lookThrough(rows(null, other, mark), mark, {})).toEqual({ match, complete: true });
    expect(await lookThrough(rows(null, other), mark, {})).toEqual({ match: null, complete: true });
    expect(await lookThrough(rows(mark, null, mark), mark, { refusedIds: ['pi_0'] })).toEqual({
      match,
      complete: true,
    });
  });

  it('says when it did not read to the end', async () => {
    expect(await lookThrough(rows(null, null, mark), mark, { maxListed: 2 })).toEqual({ match: null, complete: false });
  });

  it('reads the time in which the object can have been made, with room for clocks that differ', () => {
    const window = createdWindow(open({ ageMs: hour, silentMs: 0 }), policy);
    expect(window).toEqual({ gte: (at - hour - 5 * minute) / 1_000, lte: (at + 15 * minute) / 1_000 });
  });
});
