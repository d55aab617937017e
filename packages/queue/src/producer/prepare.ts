import { canonicalJson, contractOf, type JobContract, type JobType } from '@queue-service/contracts';
import { newId } from '../ids.ts';
import type { NewJob } from '../new-job.ts';
import { requestHash } from '../request-hash.ts';

/** A new job with everything decided: id, policy, hash. */
export interface PreparedJob {
  id: string;
  contract: JobContract<JobType>;
  data: Record<string, unknown>;
  priority: number;
  maxAttempts: number;
  timeoutMs: number;
  delayMs: number;
  tenantId: string;
  idempotencyKey: string | null;
  /** Tells one request from another under the same key; empty where there is no key and none is stored. */
  hash: string;
  webhookUrl: string | null;
  requestId: string | null;
  traceId: string | null;
  traceparent: string | null;
  flow: { flowId: string; step: string } | null;
}

export function prepareJob(job: NewJob): PreparedJob {
  const contract = contractOf(job.type);
  const { policy } = contract;
  const options = job.options ?? {};
  return {
    id: job.id ?? newId(),
    contract,
    data: job.data,
    priority: options.priority ?? policy.priority,
    maxAttempts: options.attempts ?? policy.attempts,
    timeoutMs: options.timeoutMs ?? policy.timeoutMs,
    delayMs: options.delayMs ?? 0,
    tenantId: job.tenantId,
    idempotencyKey: job.idempotencyKey ?? null,
    hash:
      contract.queue === 'money' || job.idempotencyKey != null
        ? requestHash(canonicalJson({ type: job.type, data: job.data, options }))
        : '',
    webhookUrl: options.webhookUrl ?? null,
    requestId: job.requestId ?? null,
    traceId: job.traceId ?? null,
    traceparent: job.traceparent ?? null,
    flow: job.flow ?? null,
  };
}
