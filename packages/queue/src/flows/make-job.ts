import {
  BadReferenceError,
  canonicalJson,
  contractOf,
  type FailureRecord,
  failureRecord,
  findReferences,
  isJobType,
  PermanentError,
  parsePayload,
  resolveReferences,
} from '@queue-service/contracts';
import {
  type FlowRow,
  loadStepOutputs,
  type MadeJob,
  type NewCriticalJob,
  type Sealer,
  type Sql,
  type StepPayload,
} from '@queue-service/persistence';
import { newId } from '../ids.ts';
import { requestHash } from '../request-hash.ts';

type Made = { step: string; job: NewCriticalJob } | { step: string; error: FailureRecord };

/** The jobs of steps, their references replaced by what earlier steps made; or why one can have none. */
export async function makeJobs(
  sql: Sql,
  flow: FlowRow,
  steps: readonly StepPayload[],
  sealer: Sealer,
): Promise<{ made: MadeJob[]; money: NewCriticalJob[] }> {
  const opened = steps.map((step) => openStep(step, sealer));
  const named = new Set(opened.flatMap((one) => ('data' in one ? referencesOf(one.data) : [])));
  const rows = named.size === 0 ? [] : await loadStepOutputs(sql, flow.id, [...named]);
  const outputs = new Map(rows.map((row) => [row.name, { jobId: row.jobId ?? '', result: row.result }]));
  const all = opened.map((one) => ('data' in one ? makeJob(flow, one, (name) => outputs.get(name), sealer) : one));
  return {
    made: all.map((one) => {
      if ('error' in one) return { name: one.step, error: one.error };
      const { id, payloadVersion: version, payload } = one.job;
      return { name: one.step, jobId: id, resolved: { version, payload } };
    }),
    money: all.flatMap((one) => ('job' in one && one.job.queue === 'money' ? [one.job] : [])),
  };
}

type Opened = { step: StepPayload; data: unknown };

function openStep(step: StepPayload, sealer: Sealer): Opened | { step: string; error: FailureRecord } {
  if (!isJobType(step.type)) {
    const message = `No contract for job type ${step.type}`;
    return { step: step.name, error: { code: 'contract_violation', message, retryable: false } };
  }
  return { step, data: sealer.open(step.payload, contractOf(step.type).personalData) };
}

function referencesOf(data: unknown): string[] {
  return findReferences(data).map(({ step }) => step);
}

function makeJob(
  flow: FlowRow,
  { step, data: given }: Opened,
  output: Parameters<typeof resolveReferences>[1],
  sealer: Sealer,
): Made {
  const contract = contractOf(step.type as Parameters<typeof contractOf>[0]);
  const { type, queue, policy } = contract;
  try {
    const resolved = resolveReferences(given, output);
    // In the middle of a deploy: a newer worker will check what this one does not know.
    const newer = step.payloadVersion > contract.version;
    const data = newer ? resolved : parsePayload(type, step.payloadVersion, resolved);
    return {
      step: step.name,
      job: {
        id: newId(),
        queue,
        type,
        priority: step.options.priority ?? policy.priority,
        maxAttempts: step.options.attempts ?? policy.attempts,
        timeoutMs: step.options.timeoutMs ?? policy.timeoutMs,
        tenantId: flow.tenantId,
        idempotencyKey: null,
        idempotencyWindowMs: 0,
        requestHash: requestHash(canonicalJson({ type, data })),
        payload: sealer.seal(data, contract.personalData),
        payloadVersion: newer ? step.payloadVersion : contract.version,
        delayMs: step.options.delayMs ?? 0,
        flowId: flow.id,
        flowStep: step.name,
        webhookUrl: null,
        requestId: flow.requestId,
        traceId: flow.traceId,
        traceparent: flow.traceparent,
      },
    };
  } catch (error) {
    if (error instanceof BadReferenceError) {
      return { step: step.name, error: { code: 'reference_unresolved', message: error.message, retryable: false } };
    }
    if (error instanceof PermanentError) return { step: step.name, error: failureRecord(error) };
    throw error;
  }
}
