import { contractOf, createFlowSchema, type FlowResource, planFlow } from '@queue-service/contracts';
import { createLogger, Secret } from '@queue-service/observability';
import { finishCriticalJobs } from '@queue-service/persistence';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { jobResource } from '../resource.ts';
import { openRuntime, type Runtime } from '../runtime.ts';

let runtime: Runtime;
beforeAll(async () => {
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  runtime = openRuntime({
    config: {
      DATABASE_URL: new Secret(url),
      DATABASE_POOL_SIZE: 4,
      PAYLOAD_ENCRYPTION_KEYS: [],
      REDIS_URL: new Secret(redis),
      QUEUE_PREFIX: prefix,
    },
    applicationName: 'test',
    log: createLogger({ service: 'test', level: 'silent' }),
  });
  await vi.waitFor(() => expect(runtime.connections.all[0]?.redis.status).toBe('ready'));
});
afterAll(() => runtime.close());

interface Sketch {
  onFailure: 'fail' | 'continue' | 'compensate';
  compensable: boolean;
  /** The first time; it succeeds when it is retried. */
  dies: boolean;
  compensationDies: boolean;
  /** Has begun when its flow is stopped, and does not heed its signal. */
  stubborn: boolean;
  dependsOn: number[];
}
const sketches = fc.array(
  fc.record<Sketch>({
    onFailure: fc.constantFrom('fail', 'continue', 'compensate'),
    compensable: fc.boolean(),
    dies: fc.boolean(),
    compensationDies: fc.boolean(),
    stubborn: fc.boolean(),
    dependsOn: fc.array(fc.nat(20), { maxLength: 2 }),
  }),
  { minLength: 1, maxLength: 6 },
);

const payment = contractOf('payment-process');
const refund = contractOf('refund-process');

async function post(sketch: readonly Sketch[], key: string | null = null) {
  const steps = sketch.map((step, at) => ({
    name: `s${at}`,
    type: payment.type,
    data: payment.example.payload,
    onFailure: step.onFailure,
    dependsOn: at === 0 ? [] : [...new Set(step.dependsOn.map((other) => `s${other % at}`))],
    ...(step.compensable
      ? { compensation: { type: refund.type, data: { paymentJobId: { $ref: `steps.s${at}.jobId` } } } }
      : {}),
  }));
  const planned = planFlow(createFlowSchema.parse({ steps }));
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  const answer = await runtime.flows.create({
    ...{ plan: planned.plan, tenantId: 't', idempotencyKey: key, requestHash: '00', webhookUrl: null },
    ...{ requestId: 'r', traceId: 'a'.repeat(32), traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  });
  if (answer.outcome !== 'created') throw new Error(answer.outcome);
  return answer.flow;
}

/** Runs jobs of one flow one after the other, as a fleet would, and keeps the order in which they end. */
function fleetOf(id: string, sketch: readonly Sketch[]) {
  const ended: string[] = [];
  const undone: string[] = [];
  const deaths = new Map<string, number>();
  const { db, ends } = runtime;
  const open = () =>
    db.prisma.criticalJob.findMany({
      where: { flowId: id, status: { in: ['pending', 'processing'] } },
      orderBy: { flowStep: 'asc' },
    });
  type Job = Awaited<ReturnType<typeof open>>[number];

  const end = async (job: Job, status: 'completed' | 'failed' | 'cancelled') => {
    await db.prisma.criticalJob.update({ where: { id: job.id }, data: { status: 'processing' } });
    const error = status === 'completed' ? null : { code: status, message: status, retryable: false };
    const result = status === 'completed' ? { paymentIntentId: 'pi' } : null;
    const row = { ...job, status, error, result, finishedAt: new Date() };
    const due = await db.transaction(async (sql) => {
      await finishCriticalJobs(sql, [{ id: job.id, fencing: 0, status, result, error, attempt: null }]);
      const ending = { resource: jobResource(row as never), flowStep: job.flowStep, webhookUrl: null, death: null };
      const consequences = await ends.recordIn(sql, [ending]);
      // Told twice, as after a cut connection: the second time changes nothing.
      expect(await ends.recordIn(sql, [ending])).toMatchObject({ money: [], flowIds: [], cancelJobs: [] });
      return consequences;
    });
    await ends.followUp(due);
  };

  return {
    ended,
    undone,
    /** False when there is nothing to run. */
    runOne: async (pick: number): Promise<boolean> => {
      const jobs = await open();
      const job = jobs[pick % Math.max(1, jobs.length)];
      if (job === undefined) return false;
      const name = job.flowStep as string;
      const step = sketch[Number(name.slice(1))] as Sketch;
      const times = deaths.get(job.id) ?? 0;
      if (job.type === refund.type) {
        // One after the other; those that died in their turn start together when the flow is retried.
        expect(jobs.filter(({ id }) => !deaths.has(id)).length).toBeLessThanOrEqual(1);
        const dies = step.compensationDies && times === 0;
        if (dies) deaths.set(job.id, 1);
        else undone.push(name);
        await end(job, dies ? 'failed' : 'completed');
        return true;
      }
      if (job.cancelRequestedAt !== null && !step.stubborn) await end(job, 'cancelled');
      else if (step.dies && times === 0) {
        deaths.set(job.id, 1);
        await end(job, 'failed');
      } else {
        ended.push(name);
        await end(job, 'completed');
      }
      return true;
    },
    /** Jobs of stubborn steps begin. */
    begin: async () => {
      for (const job of await open()) {
        if (!sketch[Number(job.flowStep?.slice(1))]?.stubborn) continue;
        await db.prisma.criticalJob.update({ where: { id: job.id }, data: { status: 'processing' } });
      }
    },
  };
}

async function find(id: string): Promise<FlowResource> {
  const flow = await runtime.flows.find(id, 't');
  if (flow === null) throw new Error('gone');
  return flow;
}

it('ends every flow as its steps say, whatever ends when, is told twice, cancelled or retried', async () => {
  await fc.assert(
    fc.asyncProperty(
      sketches,
      fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }),
      fc.option(fc.nat(4), { nil: null }),
      async (sketch, picks, cancelAfter) => {
        const { id } = await post(sketch);
        const fleet = fleetOf(id, sketch);
        let cancelled = false;
        for (let turn = 0; (await find(id)).finishedAt === null; turn += 1) {
          if (turn === cancelAfter) {
            await fleet.begin();
            const answer = await runtime.cancelFlow(id, 't');
            cancelled = answer.outcome === 'cancelled';
            expect(await runtime.cancelFlow(id, 't')).toMatchObject({ outcome: answer.outcome });
          }
          if (!(await fleet.runOne(picks[turn % picks.length] ?? 0))) break;
          const { steps } = await find(id);
          const open = new Set(steps.filter(({ finishedAt }) => finishedAt === null).map(({ name }) => name));
          const early = steps.filter(
            ({ jobId, dependsOn }) => jobId !== null && dependsOn.some((name) => open.has(name)),
          );
          expect(early).toEqual([]);
        }
        const flow = await find(id);
        expect(flow.steps.every(({ status }) => status !== 'waiting' && status !== 'pending')).toBe(true);
        const unmet = (statuses: string[]) =>
          flow.steps.filter((step) => statuses.includes(step.status) && step.onFailure !== 'continue');
        const dead = unmet(cancelled ? ['failed', 'cancelled', 'skipped'] : ['failed', 'cancelled']);
        const undo = dead.some(({ onFailure }) => onFailure === 'compensate');
        const due = fleet.ended.filter((name) => sketch[Number(name.slice(1))]?.compensable).reverse();
        const failing = due.filter((name) => sketch[Number(name.slice(1))]?.compensationDies);
        expect(fleet.undone).toEqual(undo ? due.filter((name) => !failing.includes(name)) : []);
        if (cancelled) expect(flow.status).toBe(undo && failing.length > 0 ? 'failed' : 'cancelled');
        else if (dead.length === 0) expect(flow.status).toBe('completed');
        else expect(flow.status).toBe(undo && due.length > 0 && failing.length === 0 ? 'compensated' : 'failed');

        const before = new Map(flow.steps.map(({ name, jobId }) => [name, jobId]));
        const retried = await runtime.retryFlow({ flowId: id }, 't', 'ada');
        expect(retried.outcome).toBe(flow.status === 'failed' ? 'retried' : 'refused');
        if (retried.outcome !== 'retried') return;
        for (let turn = 0; (await find(id)).finishedAt === null; turn += 1) {
          expect(await fleet.runOne(picks[turn % picks.length] ?? 0)).toBe(true);
        }
        const after = await find(id);
        // A dead step has run again as the same job, a completed one not at all.
        for (const { name, jobId } of after.steps) {
          const known = before.get(name) ?? null;
          if (known !== null) expect(jobId).toBe(known);
        }
        expect(new Set(fleet.ended).size).toBe(fleet.ended.length);
        expect(new Set(fleet.undone).size).toBe(fleet.undone.length);
        if (undo && due.length > 0) expect(fleet.undone.toSorted()).toEqual(due.toSorted());
      },
    ),
    { numRuns: 10, endOnFailure: true },
  );
}, 60_000);
