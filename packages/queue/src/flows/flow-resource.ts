import type { FlowResource } from '@queue-service/contracts';
import type { FlowRow, FlowStepRow } from '@queue-service/persistence';
import type { RunningJob } from './running-jobs.ts';

const time = (date: Date | null) => date?.toISOString() ?? null;

/**
 * A flow as the API shows it: no payloads.
 * @param running what is known of jobs that have started and not ended
 */
export function flowResource(
  flow: FlowRow,
  steps: readonly FlowStepRow[],
  running: ReadonlyMap<string, RunningJob>,
): FlowResource {
  return {
    id: flow.id,
    name: flow.name,
    template: flow.template,
    status: flow.status,
    tenantId: flow.tenantId,
    idempotencyKey: flow.idempotencyKey,
    createdAt: flow.createdAt.toISOString(),
    finishedAt: time(flow.finishedAt),
    error: flow.error,
    steps: steps.map((step) => {
      const job = running.get(step.jobId ?? '');
      return {
        name: step.name,
        queue: step.queue,
        type: step.type,
        status: job?.status ?? step.status,
        dependsOn: step.dependsOn,
        onFailure: step.onFailure,
        jobId: step.jobId,
        attempts: job?.attempts ?? step.attempts,
        startedAt: time(job?.startedAt ?? step.startedAt),
        finishedAt: time(step.finishedAt),
        result: step.result,
        error: job?.error ?? step.error,
        compensation:
          step.compensationType === null
            ? null
            : {
                type: step.compensationType,
                status: step.compensationStatus ?? 'none',
                jobId: step.compensationJobId,
                result: step.compensationResult,
              },
      };
    }),
  };
}
