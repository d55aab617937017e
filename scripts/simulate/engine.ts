import { createPaymentProcess } from '../../apps/worker-money/src/jobs/payment-process.ts';
import { createPayoutProcess } from '../../apps/worker-money/src/jobs/payout-process.ts';
import { createRefundProcess } from '../../apps/worker-money/src/jobs/refund-process.ts';
import { lookupPolicy } from '../../apps/worker-money/src/stripe/lookup.ts';
import { contractOf, type FailureRecord, type JobType } from '../../packages/contracts/src/index.ts';
import { effectId } from '../../packages/queue/src/ids.ts';
import type { EffectStore, Handler, JobContext } from '../../packages/queue/src/index.ts';
import { runEffect } from '../../packages/queue/src/index.ts';
import {
  Abort,
  advance,
  attemptOutcome,
  createMemoryEffects,
  type MemoryEffects,
  type Outcome,
  outcomeOf,
} from '../../packages/queue/src/testing/index.ts';
import { SimulatedChain } from './chain.ts';
import { clientTimeoutMs, SimulatedStripe } from './stripe.ts';
import type { Process, World } from './world.ts';

type Status = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

/** A row of `critical_jobs`, with its effects. */
export interface SimulatedJob {
  id: string;
  type: JobType;
  data: Record<string, unknown>;
  status: Status;
  fencing: number;
  runAt: number;
  leaseUntil: number;
  attempts: number;
  maxAttempts: number;
  crashes: number;
  cancelRequested: boolean;
  settling: { error: FailureRecord; reason: 'attempts' | 'permanent' | 'timeout' | 'stalled' | 'contract' } | null;
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
  effects: MemoryEffects;
  holder: { process: Process; abort: (reason: Abort) => void } | null;
  flow: SimulatedFlow | null;
}

/** Pays, mints, and gives the money back when the ticket cannot be minted. */
export interface SimulatedFlow {
  status: 'running' | 'completed' | 'failed' | 'compensating' | 'compensated' | 'cancelled';
  finished: boolean;
  pay: SimulatedJob;
  mint: SimulatedJob | null;
  mintSkipped: boolean;
  refund: SimulatedJob | null;
  /** The buyer of one of these can never get a ticket. */
  mintDies: boolean;
}

export const leaseMs = 10_000;
const namespace = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
const silent = new Proxy({}, { get: () => () => {} }) as JobContext['log'];

/**
 * The money engine in one process: the production effect runner, handlers, adapters and outcomes, on a ledger in memory
 * that follows the rules of the SQL statements (the effects are compared with them by a test of their own).
 */
export class Engine {
  readonly jobs: SimulatedJob[] = [];
  readonly flows: SimulatedFlow[] = [];
  readonly stripe: SimulatedStripe;
  readonly chain: SimulatedChain;
  readonly #world: World;
  #names = 0;

  constructor(world: World) {
    this.#world = world;
    this.stripe = new SimulatedStripe(world);
    this.chain = new SimulatedChain(world);
  }

  accept(type: JobType, data: Record<string, unknown>, options: { attempts?: number; flow?: SimulatedFlow } = {}) {
    this.#names += 1;
    const id = effectId(namespace, `job ${this.#names}`);
    const job: SimulatedJob = {
      ...{ id, type, data, status: 'pending', fencing: 0, runAt: this.#world.now, leaseUntil: 0, attempts: 0 },
      ...{ maxAttempts: options.attempts ?? 10, crashes: 0, cancelRequested: false, settling: null, result: null },
      ...{ error: null, holder: null, flow: options.flow ?? null },
      effects: createMemoryEffects({ jobId: id, now: () => this.#world.now, fencing: () => job.fencing }),
    };
    this.jobs.push(job);
    this.#world.tell(`${type} ${id} is accepted: ${JSON.stringify(data)}`);
    return job;
  }

  buy(card: string, mintDies: boolean): void {
    const flow = {
      status: 'running',
      finished: false,
      mint: null,
      mintSkipped: false,
      refund: null,
      mintDies,
    } as never as SimulatedFlow;
    const data = { orderId: 'o', amount: 1_000, currency: 'eur', paymentMethodId: card };
    flow.pay = this.accept('payment-process', data, { flow, attempts: 4 });
    this.flows.push(flow);
  }

  isDue(job: SimulatedJob): boolean {
    if (job.status === 'pending') return job.runAt <= this.#world.now;
    return job.status === 'processing' && job.leaseUntil < this.#world.now;
  }

  /** A worker takes the job and runs it; what it asks of the outside stands still at gates. */
  deliver(job: SimulatedJob, process: Process): void {
    if (!this.isDue(job)) return;
    if (job.status === 'pending') job.attempts += 1;
    else job.crashes += 1;
    job.status = 'processing';
    job.fencing += 1;
    job.leaseUntil = Number.POSITIVE_INFINITY;
    this.#world.tell(`${process.name} takes ${job.id} (claim ${job.fencing})`);
    void this.#run(job, process, job.fencing);
  }

  /** Whoever holds jobs stops renewing their leases. */
  loseLeases(process: Process): void {
    for (const job of this.jobs) {
      if (job.holder?.process === process && job.status === 'processing') job.leaseUntil = this.#world.now + leaseMs;
    }
  }

  /** As `cancelMoney` does it. */
  cancel(job: SimulatedJob): void {
    if (job.status !== 'pending' && job.status !== 'processing') return;
    this.#world.tell(`${job.id} is to be cancelled`);
    if (job.status === 'pending' && this.#acted(job).length === 0) {
      job.status = 'cancelled';
      this.#moveFlow(job);
      return;
    }
    job.cancelRequested = true;
    if (job.status === 'pending') job.runAt = Math.min(job.runAt, this.#world.now);
    else if (job.holder?.process.state === 'running') job.holder.abort(new Abort('cancelled', 'cancelled on request'));
  }

  cancelFlow(flow: SimulatedFlow): void {
    if (flow.status !== 'running' || flow.finished) return;
    this.#world.tell(`the flow of ${flow.pay.id} is cancelled`);
    flow.status = 'cancelled';
    this.#move(flow);
  }

  timeOut(job: SimulatedJob): void {
    if (job.status !== 'processing' || job.holder?.process.state !== 'running') return;
    this.#world.tell(`${job.id} runs out of time`);
    job.holder.abort(new Abort('timeout', 'ran too long'));
  }

  redrive(job: SimulatedJob): void {
    if (job.status !== 'failed' || job.flow !== null) return;
    this.#world.tell(`${job.id} is redriven`);
    Object.assign(job, { status: 'pending', attempts: 0, crashes: 0, error: null, cancelRequested: false });
    Object.assign(job, { settling: null, runAt: this.#world.now });
    job.effects.renew();
  }

  #acted(job: SimulatedJob) {
    return [...job.effects.effects.entries()]
      .filter(([, { status }]) => ['sent', 'unknown', 'confirmed'].includes(status))
      .map(([name, { status, providerId }]) => ({ name, status, providerId }));
  }

  async #run(job: SimulatedJob, process: Process, fencing: number): Promise<void> {
    const world = this.#world;
    const controller = new AbortController();
    let abort: Abort | null = null;
    // A cancel is no news to a run that only finds out.
    const finding = job.cancelRequested || job.settling !== null;
    const holder = {
      process,
      abort: (reason: Abort) => {
        if (abort !== null || (finding && reason.kind === 'cancelled')) return;
        abort = reason;
        controller.abort(reason);
      },
    };
    job.holder = holder;
    const { policy } = contractOf(job.type);
    const claim = {
      crashes: job.crashes,
      findsOut: true,
      verdict: job.cancelRequested ? null : (job.settling ?? undefined),
      acted: async () => {
        await world.gate(process, 'read effects');
        return this.#acted(job);
      },
    };
    const outcome = await attemptOutcome(claim, async (settleOnly) => {
      const end = await this.#handle(job, process, fencing, controller.signal, settleOnly);
      const { attempts: attempt, maxAttempts } = job;
      return outcomeOf({ end, abort, attempt, maxAttempts, backoff: policy.backoff, random: world.random.next() });
    });
    await world.gate(process, `end as ${outcome.kind}`);
    if (job.fencing !== fencing || job.status !== 'processing') return;
    this.#finish(job, outcome);
    if (job.holder === holder) job.holder = null;
  }

  async #handle(
    job: SimulatedJob,
    process: Process,
    fencing: number,
    signal: AbortSignal,
    settleOnly: ReadonlySet<string> | undefined,
  ): Promise<{ returned: Record<string, unknown> } | { thrown: unknown }> {
    const world = this.#world;
    const parts = {
      store: this.#gated(job.effects.claim(fencing), process),
      ...{ signal, settleOnly, report: () => {}, acceptedAt: new Date(0), clockMs: () => world.now },
      setTimer: (callback: () => void, ms: number) => world.after(ms, callback),
      onLateAnswer: ({ id, taken }: { id: string; taken: boolean }) =>
        world.tell(`a late answer to ${id} ${taken ? 'is recorded' : 'finds it given up'}`),
    };
    const ctx = {
      ...{ jobId: job.id, tenantId: 'platform', attempt: job.attempts, maxAttempts: job.maxAttempts, requestId: null },
      ...{ flowId: null, createdAt: new Date(0), signal, log: silent, progress: () => {} },
      effect: (name: string, spec: never) => runEffect(parts, name, spec),
    } as unknown as JobContext;
    try {
      signal.throwIfAborted();
      return { returned: (await this.#handlerOf(job, process)(job.data as never, ctx)) as Record<string, unknown> };
    } catch (thrown) {
      return { thrown };
    }
  }

  #handlerOf(job: SimulatedJob, process: Process): Handler<JobType> {
    const world = this.#world;
    const accounts = { mayPay: async () => true };
    const clock = { now: () => world.now };
    const shared = { stripe: this.stripe.client(process), clock, accounts, policy: lookupPolicy(clientTimeoutMs) };
    const ownerOf = async () => null;
    switch (job.type) {
      case 'payment-process':
        return createPaymentProcess(shared) as Handler<JobType>;
      case 'refund-process':
        return createRefundProcess({ ...shared, ownerOf, findPayment: async () => null }) as Handler<JobType>;
      case 'payout-process':
        return createPayoutProcess({ ...shared, ownerOf }) as Handler<JobType>;
      default:
        return this.chain.mintHandler(process) as Handler<JobType>;
    }
  }

  /** Each write stands still before it is made, and again before its answer is heard. */
  #gated(store: EffectStore, process: Process): EffectStore {
    const world = this.#world;
    const around = async <Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> => {
      await world.gate(process, name);
      const answer = await work();
      await world.gate(process, `${name}: answer`);
      return answer;
    };
    return {
      find: (name) => around('find effect', () => store.find(name)),
      begin: (intent) => around('begin', () => store.begin(intent)),
      sendAgain: (effect, how) => around('send again', () => store.sendAgain(effect, how)),
      remember: (effect, memo, id) => around('remember', () => store.remember(effect, memo, id)),
      settle: (effect, outcome) => around(`settle ${outcome.status}`, () => store.settle(effect, outcome)),
      // Nothing comes between the look and the request: that window is what no ledger can close.
      requireClaim: () => store.requireClaim(),
      get ranBefore() {
        return store.ranBefore;
      },
    };
  }

  #finish(job: SimulatedJob, outcome: Outcome): void {
    const world = this.#world;
    world.tell(
      `${job.id} ends its attempt as ${outcome.kind}${'error' in outcome && outcome.error ? ` (${outcome.error.code})` : ''}`,
    );
    const later = (delayMs: number, usesAttempt: boolean) => {
      Object.assign(job, { status: 'pending', runAt: world.now + delayMs, crashes: 0, leaseUntil: 0 });
      if (!usesAttempt) job.attempts -= 1;
    };
    switch (outcome.kind) {
      case 'completed':
        Object.assign(job, { status: 'completed', result: outcome.result });
        break;
      case 'dead':
        Object.assign(job, { status: 'failed', error: outcome.error });
        break;
      case 'cancelled':
        job.status = 'cancelled';
        break;
      case 'retry':
        later(outcome.delayMs, true);
        return;
      case 'returned':
        later(outcome.delayMs, false);
        return;
      case 'settling':
        job.settling ??= outcome.verdict;
        later(outcome.delayMs, false);
        return;
      case 'lost':
        job.leaseUntil = world.now + leaseMs;
        return;
    }
    this.#moveFlow(job);
  }

  #moveFlow(job: SimulatedJob): void {
    if (job.flow !== null) this.#move(job.flow);
  }

  #move(flow: SimulatedFlow): void {
    for (;;) {
      if (flow.finished) return;
      const { pay, mint, refund } = flow;
      const ended = (job: SimulatedJob | null) => job !== null && !['pending', 'processing'].includes(job.status);
      const died = (job: SimulatedJob | null) => job !== null && ['failed', 'cancelled'].includes(job.status);
      const undoable = pay.status === 'completed' && refund === null;
      const next = advance(flow.status, {
        waiting: mint === null && !flow.mintSkipped,
        open: !ended(pay) || (mint !== null && !ended(mint)),
        dead: died(pay) || died(mint),
        undo: died(mint),
        undoIfCancelled: died(mint) || flow.mintSkipped,
        compensating: refund !== null && !ended(refund),
        compensationFailed: died(refund),
        nextCompensation: undoable ? 'pay' : null,
        ready: pay.status === 'completed' && mint === null ? ['mint'] : [],
      });
      flow.status = next.status;
      flow.finished = next.finished;
      if (next.stop) {
        flow.mintSkipped ||= mint === null;
        for (const job of [pay, mint]) if (job !== null) this.cancel(job);
        if (mint === null && ended(pay)) continue;
        return;
      }
      if (next.release.length > 0) {
        flow.mint = this.accept('nft-mint', {}, { flow, attempts: flow.mintDies ? 1 : 4 });
        return;
      }
      if (next.compensate === null) return;
      const paymentIntentId = pay.result?.paymentIntentId;
      flow.refund = this.accept('refund-process', { paymentIntentId }, { flow, attempts: 10 });
      return;
    }
  }
}
