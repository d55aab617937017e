import { randomUUID } from 'node:crypto';
import type { JobContext } from '@queue-service/queue';
import { testLog } from './test-runtime.ts';

/** The context of a handler that does its work without effects. `told` are its progress reports. */
export function testContext(given: Partial<JobContext> = {}): JobContext & { told: unknown[] } {
  const told: unknown[] = [];
  return {
    jobId: randomUUID(),
    tenantId: 'platform',
    attempt: 1,
    maxAttempts: 2,
    requestId: null,
    flowId: null,
    createdAt: new Date('2027-02-01T00:00:00Z'),
    signal: new AbortController().signal,
    log: testLog,
    progress: (value) => told.push(value),
    effect: () => Promise.reject(new Error('has no effects')),
    ...given,
    told,
  };
}
