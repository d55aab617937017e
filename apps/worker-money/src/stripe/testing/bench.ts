import { randomUUID } from 'node:crypto';
import type { JobPayload, JobResult, JobType } from '@queue-service/contracts';
import { createLogger } from '@queue-service/observability';
import { type Handler, type JobContext, runEffect, type Snooze } from '@queue-service/queue';
import { createMemoryEffects, type MemoryEffects } from '@queue-service/queue/testing';
import { startStripe } from '@queue-service/sandbox';
import type { Stripe } from 'stripe';
import { createStripe } from '../client.ts';
import { lookupPolicy } from '../lookup.ts';

/** The client's time-out in tests: only a fault lets it pass. */
const timeoutMs = 1_500;

/** Of that client. */
export const policy = lookupPolicy(timeoutMs);

/** A list of accounts that has every account. */
export const anyAccount = { mayPay: async () => true };

type Sandbox = Awaited<ReturnType<typeof startStripe>>;

/** A process that dies between two steps: nothing after it happens. */
export class Killed extends Error {}

/** One job whose effects are kept in memory, as the ledger keeps them, and run by the real runtime. */
export class BenchJob {
  readonly id = randomUUID();
  readonly tenantId: string;
  /** Dies before the next of these steps. */
  killBefore: 'send' | 'settle' | null = null;
  abort = new AbortController();
  readonly #kept: MemoryEffects;
  readonly #createdAt: Date;
  #claims = 0;

  constructor(tenantId: string, now: () => number) {
    this.tenantId = tenantId;
    this.#createdAt = new Date(now());
    this.#kept = createMemoryEffects({
      ...{ jobId: this.id, now, fencing: () => this.#claims },
      before: (step) => {
        if (step === 'settle') this.#die('settle');
      },
      after: (step) => {
        if (step === 'begin') this.#die('send');
      },
    });
  }

  /** By name. */
  get effects() {
    return this.#kept.effects;
  }

  /** As a redrive does it. */
  renew(): void {
    this.#kept.renew();
  }

  forget(name: string): void {
    this.#kept.forget(name);
  }

  run<Type extends JobType>(handler: Handler<Type>, payload: JobPayload<Type>): Promise<JobResult<Type> | Snooze> {
    return handler(payload, this.#context());
  }

  /** As a cancelled job, or one that has failed, is run: what is open is only found out. */
  settle<Type extends JobType>(handler: Handler<Type>, payload: JobPayload<Type>): Promise<JobResult<Type> | Snooze> {
    return handler(payload, this.#context(new Set(this.effects.keys())));
  }

  #context(settleOnly?: ReadonlySet<string>): JobContext {
    const { signal } = this.abort;
    this.#claims += 1;
    const createdAt = this.#createdAt;
    const store = this.#kept.claim(this.#claims);
    const parts = { store, signal, report: () => {}, acceptedAt: createdAt, settleOnly };
    return {
      jobId: this.id,
      tenantId: this.tenantId,
      attempt: 1,
      maxAttempts: 10,
      requestId: null,
      flowId: null,
      createdAt,
      signal,
      log: createLogger({ service: 'bench', level: 'silent' }),
      progress: () => {},
      effect: (name, spec) => runEffect(parts, name, spec),
    };
  }

  #die(step: 'send' | 'settle'): void {
    if (this.killBefore !== step) return;
    this.killBefore = null;
    throw new Killed(`killed before ${step}`);
  }
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

/** A Stripe of its own, with the client as the worker has it. */
export async function startBench(): Promise<Bench> {
  const sandbox = await startStripe({ accounts: ['acct_1Venue', 'acct_1Other'] });
  return {
    sandbox,
    stripe: createStripe({ secretKey: 'sk_test_bench', apiBase: sandbox.url, timeoutMs }),
    job: (tenantId = 'venue-1') => new BenchJob(tenantId, () => sandbox.clock.now()),
    count: (kind, job) => sandbox.effects.count({ kind, jobId: job.id }),
    fail: (path, action, times = 1, method = 'POST') => {
      sandbox.faults.add({ match: { method, path }, times, do: action });
    },
  };
}
