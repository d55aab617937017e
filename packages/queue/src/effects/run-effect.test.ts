import { PermanentError, RateLimitedError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';
import { describe, expect, it } from 'vitest';
import type { EffectSpec, Fenced, Found } from '../handler.ts';
import { createMemoryEffects } from '../testing/memory-effects.ts';
import { runEffect } from './run-effect.ts';

type Reply = { ok: boolean };
const done = { state: 'done', providerId: 'ch_1', response: { ok: true } } as const;
const unanswered = new UnknownOutcomeError({ code: 'provider_timeout', message: 'no answer' });
const refusal = new PermanentError({ code: 'provider_authentication_failed', message: 'The key was revoked' });
const later = new RateLimitedError({ code: 'provider_rate_limited', message: 'later', retryAfterMs: 1 });

/** One effect of one job, whose provider answers as it is told: one answer a send, one a look. */
function effectOf(script: {
  sends?: (Error | 'done')[];
  finds?: (Found<Reply> | Error)[];
  fences?: Fenced<Reply>[];
  check?: () => Promise<void>;
}) {
  let claims = 0;
  const kept = createMemoryEffects({ jobId: crypto.randomUUID(), now: () => 0, fencing: () => claims });
  const { sends = [], finds = [], fences } = script;
  let sent = 0;
  const keys: string[] = [];
  const spec: EffectSpec<Reply, Reply> = {
    ...{ provider: 'stripe', operation: 'refunds.create', request: { ok: true } },
    send: async (_, { idempotencyKey }) => {
      sent += 1;
      keys.push(idempotencyKey);
      const answer = sends.shift();
      if (answer instanceof Error) throw answer;
      return { providerId: 'ch_1', response: { ok: true } };
    },
    find: async () => {
      const answer = finds.shift() as Found<Reply> | Error;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...(fences && { fence: async () => fences.shift() as Fenced<Reply> }),
    ...(script.check && { check: script.check }),
  };
  const run = (settleOnly?: ReadonlySet<string>) => {
    const { signal } = new AbortController();
    claims += 1;
    const parts = { store: kept.claim(), signal, report: () => {}, acceptedAt: new Date(0), settleOnly };
    return runEffect(parts, 'refund', spec).catch((error: Error) => error);
  };
  return {
    run,
    settle: () => run(new Set(['refund'])),
    kept,
    keys,
    get sent() {
      return sent;
    },
    get status() {
      return kept.effects.get('refund')?.status;
    },
  };
}

describe('a refusal of a repeat', () => {
  const cases: [string, Found<Reply> | Error, string][] = [
    ['was done by the request before: it is confirmed', done, 'confirmed'],
    ['never was and never will be: it is rejected', { state: 'absent_for_good' }, 'rejected'],
    ['is not there now: it stays open', { state: 'absent_now' }, 'unknown'],
    ['may still come: it stays open', { state: 'pending', retryAfterMs: 1 }, 'unknown'],
    ['cannot be asked for: it stays open', new RetryableError({ code: 'away', message: 'away' }), 'unknown'],
  ];
  it.each(cases)('of an effect that %s', async (_, found, status) => {
    const effect = effectOf({ sends: [unanswered, refusal], finds: [{ state: 'absent_now' }, found] });
    expect(await effect.run()).toBe(unanswered);
    const end = await effect.run();
    expect(effect.status).toBe(status);
    if (status === 'confirmed') expect(end).toMatchObject({ providerId: 'ch_1' });
    else expect(end instanceof PermanentError).toBe(status === 'rejected');
  });

  it('is fenced where the provider has a fence', async () => {
    const effect = effectOf({
      sends: [unanswered, refusal],
      finds: [{ state: 'absent_now' }],
      fences: [{ state: 'absent_for_good' }],
    });
    await effect.run();
    expect(await effect.run()).toMatchObject({ name: 'PermanentError', code: refusal.code });
    expect(effect.status).toBe('rejected');
  });
});

describe('doubt', () => {
  it('outlives harmless failures of repeats, and their codes', async () => {
    const absent: Found<Reply> = { state: 'absent_now' };
    const away = new RetryableError({ code: 'provider_unreachable', message: 'no connection' });
    const effect = effectOf({ sends: [unanswered, later, away], finds: [absent, absent] });
    await effect.run();
    for (const error of [later, away]) {
      expect(await effect.run()).toBe(error);
      expect(effect.kept.effects.get('refund')).toMatchObject({ status: 'unknown', code: 'provider_timeout' });
    }
  });

  it('is none where the first send provably never left', async () => {
    const effect = effectOf({ sends: [later, 'done'] });
    expect(await effect.run()).toBe(later);
    expect(effect.status).toBe('planned');
    expect(await effect.settle()).toMatchObject({ name: 'AbortError' });
    expect(await effect.run()).toMatchObject({ providerId: 'ch_1' });
  });
});

describe('an effect that is to be stopped', () => {
  it('is void only once its absence is for good', async () => {
    const effect = effectOf({ sends: [unanswered], finds: [{ state: 'absent_now' }, { state: 'absent_for_good' }] });
    await effect.run();
    expect(await effect.settle()).toMatchObject({ code: 'outcome_pending', retryAfterMs: expect.any(Number) });
    expect(effect.status).toBe('unknown');
    expect(await effect.settle()).toMatchObject({ name: 'AbortError', kind: 'cancelled' });
    expect([effect.status, effect.sent]).toEqual(['void', 1]);
  });

  it('asks for a new key when the job is started again after that', async () => {
    const effect = effectOf({ sends: [unanswered, 'done'], finds: [{ state: 'absent_for_good' }] });
    await effect.run();
    await effect.settle();
    effect.kept.renew();
    expect(await effect.run()).toMatchObject({ providerId: 'ch_1' });
    const [first, second] = effect.keys;
    expect(second).toBe(`${first}.1`);
  });
});

describe('where nothing may be sent any more', () => {
  const refuse = { allowed: true };
  const check = async () => {
    if (!refuse.allowed) throw new PermanentError({ code: 'account_not_allowed', message: 'taken off the list' });
  };

  it('a first send is not begun', async () => {
    refuse.allowed = false;
    const effect = effectOf({ check });
    expect(await effect.run()).toMatchObject({ code: 'account_not_allowed' });
    expect([effect.status, effect.sent]).toEqual([undefined, 0]);
  });

  it.each([
    ['was done', done, 'confirmed', 'ch_1'],
    ['was not done', { state: 'absent_for_good' }, 'void', undefined],
    ['may come yet', { state: 'absent_now' }, 'unknown', undefined],
  ] as const)('what %s is found out, and not repeated', async (_, found, status, providerId) => {
    refuse.allowed = true;
    const effect = effectOf({ check, sends: [unanswered], finds: [found] });
    await effect.run();
    refuse.allowed = false;
    expect((await effect.run()) as object).toMatchObject(
      providerId === undefined
        ? { code: status === 'void' ? 'account_not_allowed' : 'outcome_pending' }
        : { providerId },
    );
    expect([effect.status, effect.sent]).toEqual([status, 1]);
  });
});
