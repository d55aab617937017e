import {
  BadReferenceError,
  canonicalJson,
  contractOf,
  type FailureRecord,
  failureRecord,
  isJobType,
  type JobType,
  PermanentError,
  parsePayload,
  resolveReferences,
  type StepOutput,
} from '@queue-service/contracts';
import {
  changeFlow,
  changeSteps,
  type FlowRow,
  type FlowStepRow,
  insertCriticalJobs,
  listFlowSteps,
  loadCompensations,
  loadStepPayloads,
  type NewCriticalJob,
  type Sealer,
  type Sql,
  type StepChange,
  type StepPayload,
} from '@queue-service/persistence';
import { newId } from '../ids.ts';
import { requestHash } from '../request-hash.ts';
import { type Advance, advance, type StepState } from './advance.ts';

/** What a move of a flow leaves to do after the commit. */
export interface FlowMove {
  flow: FlowRow;
  finished: boolean;
  /** Money jobs that were inserted. */
  inserted: NewCriticalJob[];
  /** Jobs of released steps that should not start any more. */
  cancelJobs: string[];
}

/**
 * Moves a flow as far as it goes, inside the caller's transaction and under the lock on its row: releases steps, skips
 * them, starts compensations, ends the flow.
 */
export async function moveFlow(sql: Sql, flow: FlowRow, sealer: Sealer, now: () => Date): Promise<FlowMove> {
  const inserted: NewCriticalJob[] = [];
  const cancelJobs: string[] = [];
  let { status, error } = flow;
  for (;;) {
    const steps = await listFlowSteps(sql, flow.id);
    const move = advance(status, steps.map(stepState));
    error ??= steps.find((step) => step.status === 'failed' && step.onFailure !== 'continue')?.error ?? null;
    const made = await makeJobs(sql, flow, steps, move, sealer);
    const at = now().toISOString();
    await changeSteps(sql, flow.id, [
      ...move.skip.map((name): StepChange => ({ name, status: 'skipped', finishedAt: at })),
      ...made.changes.map((change) => (change.status === 'failed' ? { ...change, finishedAt: at } : change)),
    ]);
    await insertCriticalJobs(sql, made.jobs);
    inserted.push(...made.jobs);
    cancelJobs.push(
      ...steps
        .filter((step) => move.cancel.includes(step.name) && step.jobId !== null)
        .map((step) => step.jobId as string),
    );
    if (move.status !== status || move.finished)
      await changeFlow(sql, flow.id, { status: move.status, error, finished: move.finished });
    status = move.status;
    // A step that could not even be made has ended: the flow moves on from there.
    if (!made.failed) return { flow: { ...flow, status, error }, finished: move.finished, inserted, cancelJobs };
  }
}

function stepState(step: FlowStepRow): StepState {
  return { ...step, compensable: step.compensationType !== null };
}

async function makeJobs(sql: Sql, flow: FlowRow, steps: readonly FlowStepRow[], move: Advance, sealer: Sealer) {
  const outputs = new Map(
    steps.map((step): [string, StepOutput] => [step.name, { jobId: step.jobId ?? '', result: step.result }]),
  );
  const output = (name: string) => outputs.get(name);
  const changes: StepChange[] = [];
  const jobs: NewCriticalJob[] = [];
  let failed = false;

  for (const step of move.release.length > 0 ? await loadStepPayloads(sql, flow.id, move.release) : []) {
    const made = makeJob(flow, step, output, sealer);
    if ('error' in made) changes.push({ name: step.name, status: 'failed', error: made.error });
    else changes.push({ name: step.name, status: 'pending', jobId: made.job.id, resolved: made.job.payload });
    if ('job' in made && made.job.queue === 'money') jobs.push(made.job);
    failed ||= 'error' in made;
  }
  for (const step of move.compensate === null ? [] : await loadCompensations(sql, flow.id, [move.compensate])) {
    const made = makeJob(flow, step, output, sealer);
    if ('error' in made)
      changes.push({ name: step.name, compensationStatus: 'failed', compensationResult: { error: made.error } });
    else
      changes.push({
        name: step.name,
        compensationStatus: 'pending',
        compensationJobId: made.job.id,
        compensationResolved: made.job.payload,
      });
    if ('job' in made && made.job.queue === 'money') jobs.push(made.job);
    failed ||= 'error' in made;
  }
  return { changes, jobs, failed };
}

/** The job of a step, its references replaced by what earlier steps made; or why there can be none. */
function makeJob(
  flow: FlowRow,
  step: StepPayload,
  output: (name: string) => StepOutput | undefined,
  sealer: Sealer,
): { job: NewCriticalJob } | { error: FailureRecord } {
  try {
    if (!isJobType(step.type))
      throw new PermanentError({ code: 'contract_violation', message: `No contract for job type ${step.type}` });
    const type: JobType = step.type;
    const contract = contractOf(type);
    const data = parsePayload(
      type,
      step.payloadVersion,
      resolveReferences(sealer.open(step.payload, contract.personalData), output),
    );
    return {
      job: {
        id: newId(),
        queue: contract.queue,
        type,
        priority: step.options.priority ?? contract.policy.priority,
        maxAttempts: step.options.attempts ?? contract.policy.attempts,
        timeoutMs: step.options.timeoutMs ?? contract.policy.timeoutMs,
        tenantId: flow.tenantId,
        idempotencyKey: null,
        idempotencyWindowMs: 0,
        requestHash: requestHash(canonicalJson({ type, data })),
        payload: sealer.seal(data, contract.personalData),
        payloadVersion: contract.version,
        delayMs: step.options.delayMs ?? 0,
        flowId: flow.id,
        flowStep: step.name,
        webhookUrl: null,
        requestId: flow.requestId,
        traceId: flow.traceId,
      },
    };
  } catch (error) {
    if (error instanceof BadReferenceError)
      return { error: { code: 'reference_unresolved', message: error.message, retryable: false } };
    if (error instanceof PermanentError) return { error: failureRecord(error) };
    throw error;
  }
}
