import {
  createSealer,
  type Database,
  insertCriticalJobs,
  listActedEffects,
  openDatabase,
  renewEffects,
} from '@queue-service/persistence';
import { useDatabase } from '@queue-service/sandbox/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EffectEvent, transition } from '../effects/effect-machine.ts';
import { ClaimLostError, type EffectRecord, type EffectStore } from '../effects/effect-store.ts';
import { createEffectWrites } from '../effects/effect-writes.ts';
import { ledgerEffects } from '../effects/ledger-effects.ts';
import { newId } from '../ids.ts';
import { createMemoryEffects } from './memory-effects.ts';

let db: Database;
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url });
});
afterAll(() => db.close());
const sealer = createSealer([{ id: 'k', key: Buffer.alloc(32, 7) }]);

const intent = (amount: number) => ({
  ...({ name: 'charge', provider: 'stripe', operation: 'x.create', currency: 'eur', repeatable: false } as const),
  ...{ amount, request: { amount } },
});

/** A job that a worker holds, with the ledger's statements behind it. */
async function ledgerJob() {
  const id = newId();
  const empty = { idempotencyKey: null, flowId: null, flowStep: null, webhookUrl: null, requestId: null };
  await insertCriticalJobs(db, [
    {
      ...{ ...empty, traceId: null, traceparent: null, id, queue: 'money', type: 'payment-process', priority: 7 },
      ...{ maxAttempts: 3, timeoutMs: 1_000, tenantId: 't', idempotencyWindowMs: 0, requestHash: '00' },
      ...{ payload: {}, payloadVersion: 1, delayMs: 0 },
    },
  ]);
  const writes = createEffectWrites(db);
  return {
    id,
    claimed: (fencing: number) =>
      db.query('claim', `UPDATE critical_jobs SET status = 'processing', fencing = $2 WHERE id = $1::uuid`, [
        id,
        fencing,
      ]),
    store: (fencing: number) => ledgerEffects(db, writes, sealer, { jobId: id, fencing, tenantId: 't' }),
  };
}

const settling: EffectEvent[] = ['done', 'refused', 'not_sent', 'unanswered', 'found_refused', 'absent_for_good'];
const step = fc.oneof(
  fc.record({ kind: fc.constant('begin' as const), amount: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('sendAgain' as const), newKey: fc.boolean(), anew: fc.boolean() }),
  fc.record({ kind: fc.constant('remember' as const), memo: fc.integer(), id: fc.boolean() }),
  fc.record({ kind: fc.constant('settle' as const), event: fc.constantFrom(...settling), code: fc.boolean() }),
  fc.record({ kind: fc.constant('claimAgain' as const) }),
  fc.record({ kind: fc.constant('renew' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** What a worker does in one step, and what it is told. `seen` is the effect as that worker read it last. */
async function act(store: EffectStore, seen: EffectRecord | null, one: Step): Promise<EffectRecord | string | null> {
  try {
    switch (one.kind) {
      case 'begin':
        return await store.begin(intent(one.amount));
      case 'sendAgain': {
        const state = seen && transition(seen, one.anew ? 'send_anew' : 'send');
        if (seen === null || state === null) return null;
        const planned = seen.status === 'planned' ? intent(7) : null;
        return await store.sendAgain(seen, { doubted: state.doubted, newKey: one.newKey, intent: planned });
      }
      case 'remember':
        if (seen === null) return null;
        await store.remember(seen, { note: one.memo }, one.id ? 'pi_1' : null);
        return 'remembered';
      case 'settle': {
        const state = seen && transition(seen, one.event);
        if (seen === null || state === null) return null;
        const told = one.code ? { code: one.event, message: 'why' } : { code: null, message: null };
        const result = one.event === 'done' ? { providerId: 'pi_2', response: { ok: true } } : {};
        return String(await store.settle(seen, { providerId: null, response: null, ...state, ...told, ...result }));
      }
      default:
        return null;
    }
  } catch (error) {
    if (error instanceof ClaimLostError) return 'lost';
    throw error;
  }
}

const comparable = (answer: EffectRecord | string | null) => {
  if (answer === null || typeof answer === 'string') return answer;
  const { firstAttemptAt: _, lastAttemptAt: __, ageMs: ___, silentMs: ____, ...rest } = answer as EffectRecord & object;
  const known = [
    'id',
    'status',
    'doubted',
    'generation',
    'request',
    'memo',
    'response',
    'providerId',
    'code',
    'message',
  ];
  return Object.fromEntries([...known, 'sends', 'refusedIds'].map((key) => [key, rest[key as keyof typeof rest]]));
};

it('keeps effects as the ledger does, for holders and for those who have lost their claim', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { minLength: 4, maxLength: 14 }), async (steps) => {
      const ledger = await ledgerJob();
      let fencing = 1;
      await ledger.claimed(fencing);
      const memory = createMemoryEffects({ jobId: ledger.id, now: () => 0, fencing: () => fencing });
      let seen: [EffectRecord | null, EffectRecord | null] = [null, null];
      for (const [one, stale] of steps) {
        if (one.kind === 'claimAgain') {
          fencing += 1;
          await ledger.claimed(fencing);
          continue;
        }
        if (one.kind === 'renew') {
          memory.renew();
          await renewEffects(db, ledger.id);
          continue;
        }
        const claim = stale ? Math.max(1, fencing - 1) : fencing;
        const answers = [
          await act(memory.claim(claim), seen[0], one),
          await act(ledger.store(claim), seen[1], one),
        ] as const;
        expect(comparable(answers[1])).toEqual(comparable(answers[0]));
        const records = answers.map((answer) => (typeof answer === 'object' ? answer : null));
        if (records[0] !== null) seen = [records[0] ?? null, records[1] ?? null];
      }
      const after = [await memory.claim().find('charge'), await ledger.store(fencing).find('charge')];
      expect(comparable(after[1] ?? null)).toEqual(comparable(after[0] ?? null));
      const acted = (await listActedEffects(db, ledger.id)).map(({ status }) => status);
      const open = after[0] != null && ['sent', 'unknown', 'confirmed'].includes(after[0].status);
      expect(acted).toEqual(open ? [after[0]?.status] : []);
    }),
    { numRuns: 400 },
  );
});
