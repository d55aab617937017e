import { PermanentError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';
import { describe, expect, it } from 'vitest';
import type { EffectSpec, Found } from '../handler.ts';
import type { EffectRecord, EffectStore } from './effect-store.ts';
import { runEffect } from './run-effect.ts';

type Reply = { ok: boolean };

/** One effect, kept as the ledger keeps it. */
function memoryStore() {
  const at = new Date(0);
  let kept: EffectRecord | null = null;
  const store: EffectStore = {
    intend: async ({ request }) => {
      if (kept !== null) return { ...kept, fresh: false };
      const empty = { memo: null, response: null, providerId: null, code: null, message: null };
      kept = {
        ...empty,
        id: 'e',
        status: 'intended',
        generation: 0,
        request,
        sends: 1,
        firstAttemptAt: at,
        lastAttemptAt: at,
      };
      return { ...kept, fresh: true };
    },
    resend: async (effect) => {
      kept = { ...effect, status: 'intended', code: null, message: null, sends: effect.sends + 1 };
      return kept;
    },
    remember: async () => {},
    settle: async (effect, outcome) => {
      kept = { ...effect, ...outcome };
    },
  };
  return { store, effect: () => kept };
}

describe('a refusal of a repeat', () => {
  const refusal = new PermanentError({ code: 'provider_authentication_failed', message: 'The key was revoked' });
  const done: Found<Reply> = { state: 'done', providerId: 'ch_1', response: { ok: true } };
  const cases: [string, () => Promise<Found<Reply>>, string][] = [
    ['was done by the request before: it is confirmed', async () => done, 'confirmed'],
    ['is nowhere: it is rejected', async () => ({ state: 'absent' }), 'rejected'],
    ['may still come: it stays open', async () => ({ state: 'pending', retryAfterMs: 1 }), 'unknown'],
    [
      'cannot be asked for: it stays open',
      async () => Promise.reject(new RetryableError({ code: 'provider_unreachable', message: 'away' })),
      'unknown',
    ],
  ];

  it.each(cases)('of an effect that %s', async (_, later, status) => {
    const { store, effect } = memoryStore();
    const finds = [async (): Promise<Found<Reply>> => ({ state: 'absent' }), later];
    const sends = [new UnknownOutcomeError({ code: 'provider_timeout', message: 'no answer' }), refusal];
    const spec: EffectSpec<Reply, Reply> = {
      ...{ provider: 'stripe', operation: 'refunds.create', request: { ok: true } },
      send: async () => {
        throw sends.shift();
      },
      find: async () => (finds.shift() as () => Promise<Found<Reply>>)(),
    };
    const run = () => runEffect(store, 'refund', spec, new AbortController().signal, () => {}).catch((error) => error);
    expect(await run()).toBeInstanceOf(UnknownOutcomeError);
    const end = await run();
    expect(effect()?.status).toBe(status);
    if (status === 'confirmed') expect(end).toMatchObject({ providerId: 'ch_1' });
    else expect(end instanceof PermanentError).toBe(status === 'rejected');
  });
});
