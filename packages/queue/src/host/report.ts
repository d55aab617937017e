import type { QueueName } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import type { AttemptRecord } from '@queue-service/persistence';
import type { Claim } from '../tiers/tier.ts';
import type { Outcome } from './outcome.ts';

interface Parts {
  queue: QueueName;
  metrics: Metrics;
  log: Logger;
  now: () => Date;
}

/** Counts an attempt that starts. */
export function reportStart({ queue, metrics, now }: Parts, claim: Claim): void {
  const labels = { queue, type: claim.type };
  metrics.attempts.inc(labels);
  if (claim.attempt === 1)
    metrics.enqueueToStart.observe(labels, Math.max(0, now().getTime() - claim.dueAt.getTime()) / 1_000);
}

/** One line and a few numbers for each attempt that ended. */
export function reportEnd(
  { queue, metrics, log }: Parts,
  claim: Claim,
  outcome: Outcome,
  attempt: AttemptRecord,
): void {
  const labels = { queue, type: claim.type };
  const durationMs = Date.parse(attempt.endedAt) - Date.parse(attempt.startedAt);
  metrics.jobProcessing.observe({ ...labels, outcome: outcome.kind }, durationMs / 1_000);
  const line = {
    jobId: claim.jobId,
    ...labels,
    outcome: outcome.kind,
    attempt: claim.attempt,
    durationMs,
    requestId: claim.requestId,
    tenantId: claim.tenantId,
    // Of the request that made the job, also where no traces are sent from here.
    ...(claim.traceId === null ? {} : { trace_id: claim.traceId }),
  };
  switch (outcome.kind) {
    case 'completed':
      log.info(line, 'Job completed');
      return;
    case 'retry':
      metrics.failures.inc({ ...labels, code: outcome.error.code });
      metrics.retries.inc({ ...labels, code: outcome.error.code });
      log.warn({ ...line, error: outcome.error, delayMs: outcome.delayMs }, 'Attempt failed; the job is tried again');
      return;
    case 'dead':
      metrics.failures.inc({ ...labels, code: outcome.error.code });
      metrics.deadLetters.inc({ ...labels, code: outcome.error.code });
      log.error({ ...line, error: outcome.error, reason: outcome.reason }, 'Job died and is a dead letter now');
      return;
    case 'returned':
      log.info(
        { ...line, why: outcome.why, error: outcome.error, delayMs: outcome.delayMs },
        'Job went back to its queue without using an attempt',
      );
      return;
    case 'settling':
      log.warn(
        { ...line, error: outcome.error, delayMs: outcome.delayMs },
        'Job is over but for an effect whose outcome is open; the provider is asked',
      );
      return;
    case 'cancelled':
      log.info(line, 'Job cancelled');
      return;
    case 'lost':
      metrics.leaseLost.inc(labels);
      log.warn(line, 'Another worker has taken the job over');
      return;
  }
}
