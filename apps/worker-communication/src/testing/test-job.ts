import { createLogger } from '@queue-service/observability';
import { type JobContext, runEffect } from '@queue-service/queue';
import { createMemoryEffects, type MemoryEffects } from '@queue-service/queue/testing';

/** One job with its effects in memory, run by the runtime's own effect runner. */
export interface TestJob {
  jobId: string;
  readonly effects: MemoryEffects['effects'];
  /** The context of the n-th attempt. */
  attempt(number?: number, signal?: AbortSignal): JobContext;
}

export function testJob(options: { maxAttempts?: number } = {}): TestJob {
  const jobId = crypto.randomUUID();
  const kept = createMemoryEffects({ jobId, now: () => Date.now() });
  const createdAt = new Date('2027-01-02T03:04:05Z');
  return {
    jobId,
    get effects() {
      return kept.effects;
    },
    attempt: (number = 1, signal = new AbortController().signal) => ({
      jobId,
      tenantId: 'tenant-1',
      attempt: number,
      maxAttempts: options.maxAttempts ?? 3,
      requestId: null,
      flowId: null,
      createdAt,
      signal,
      log: createLogger({ service: 'test', level: 'silent' }),
      progress: () => undefined,
      effect: (name, spec) =>
        runEffect({ store: kept.claim(), signal, report: () => undefined, acceptedAt: createdAt }, name, spec),
    }),
  };
}
