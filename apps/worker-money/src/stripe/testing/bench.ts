import { randomUUID } from 'node:crypto';
import { canonicalJson, type JobPayload, type JobResult, type JobType } from '@queue-service/contracts';
import { createLogger } from '@queue-service/observability';
import {
  type EffectRecord,
  type EffectStore,
  type Handler,
  type JobContext,
  runEffect,
  type Snooze,
} from '@queue-service/queue';
import { startStripe } from '@queue-service/sandbox';
import type { Stripe } from 'stripe';
import { createStripe } from '../client.ts';

/** A list of accounts that has every account. */
export const anyAccount = { mayPay: async () => true };

type Sandbox = Awaited<ReturnType<typeof startStripe>>;

/** A process that dies between two steps: nothing after it happens. */
export class Killed extends Error {}

/** One job whose effects are kept in memory, as the ledger keeps them, and run by the real runtime. */
export class BenchJob {
  readonly id = randomUUID();
  readonly tenantId: string;
  /** By name. */
  readonly effects = new Map<string, EffectRecord>();
  /** Dies before the next of these steps. */
  killBefore: 'send' | 'settle' | null = null;
  readonly abort = new AbortController();
  readonly #now: () => number;

  constructor(tenantId: string, now: () => number) {
    this.tenantId = tenantId;
    this.#now = now;
  }

  run<Type extends JobType>(handler: Handler<Type>, payload: JobPayload<Type>): Promise<JobResult<Type> | Snooze> {
    return handler(payload, this.#context());
  }

  #context(): JobContext {
    const { signal } = this.abort;
    return {
      jobId: this.id,
      tenantId: this.tenantId,
      attempt: 1,
      maxAttempts: 10,
      requestId: null,
      flowId: null,
      createdAt: new Date(this.#now()),
      signal,
      log: createLogger({ service: 'bench', level: 'silent' }),
      progress: () => {},
      effect: (name, spec) => runEffect(this.#store(), name, spec, signal, () => {}),
    };
  }

  #store(): EffectStore {
    const kept = (id: string) => [...this.effects.values()].find((effect) => effect.id === id) as EffectRecord;
    return {
      intend: async (intent) => {
        const known = this.effects.get(intent.name);
        if (known !== undefined) {
          // What is stored is sent; but a handler that would now ask for something else has not understood its past.
          if (canonicalJson(known.request) !== canonicalJson(intent.request)) {
            throw new Error(`${intent.name}: another request than at first`);
          }
          return { ...asStored(known), fresh: false };
        }
        const at = new Date(this.#now());
        const made: EffectRecord = {
          id: randomUUID(),
          status: 'intended',
          generation: 0,
          request: intent.request,
          memo: null,
          response: null,
          providerId: null,
          code: null,
          message: null,
          sends: 1,
          firstAttemptAt: at,
          lastAttemptAt: at,
        };
        this.effects.set(intent.name, made);
        this.#die('send');
        return { ...made, fresh: true };
      },
      resend: async ({ id }, newKey) => {
        const effect = kept(id);
        const at = new Date(this.#now());
        Object.assign(effect, { status: 'intended', code: null, sends: effect.sends + 1, lastAttemptAt: at });
        if (newKey) Object.assign(effect, { generation: effect.generation + 1, firstAttemptAt: at });
        return asStored(effect);
      },
      remember: async ({ id }, memo) => {
        kept(id).memo = memo;
      },
      settle: async ({ id }, outcome) => {
        this.#die('settle');
        Object.assign(kept(id), outcome, { lastAttemptAt: new Date(this.#now()) });
      },
    };
  }

  #die(step: 'send' | 'settle'): void {
    if (this.killBefore !== step) return;
    this.killBefore = null;
    throw new Killed(`killed before ${step}`);
  }
}

/** What PostgreSQL makes of a row: jsonb gives objects back with their keys in its own order. */
function asStored(effect: EffectRecord): EffectRecord {
  return { ...effect, request: reordered(effect.request) };
}

function reordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, reordered(part)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1)));
}

export interface Bench {
  sandbox: Sandbox;
  stripe: Stripe;
  job(tenantId?: string): BenchJob;
  /** Charges, refunds … that one job has caused. */
  count(kind: string, job: BenchJob): number;
  /** Lets hang, fail or vanish what matches, once. */
  fail(
    path: RegExp,
    action: Parameters<Sandbox['faults']['add']>[0]['do'],
    times?: number | 'always',
    method?: string,
  ): void;
}

/** A Stripe of its own, with the client as the worker has it. The time-out is short: only a fault lets it pass. */
export async function startBench(): Promise<Bench> {
  const sandbox = await startStripe({ accounts: ['acct_1Venue', 'acct_1Other'] });
  return {
    sandbox,
    stripe: createStripe({ secretKey: 'sk_test_bench', apiBase: sandbox.url, timeoutMs: 1_500 }),
    job: (tenantId = 'venue-1') => new BenchJob(tenantId, () => sandbox.clock.now()),
    count: (kind, job) => sandbox.effects.count({ kind, jobId: job.id }),
    fail: (path, action, times = 1, method = 'POST') => {
      sandbox.faults.add({ match: { method, path }, times, do: action });
    },
  };
}
