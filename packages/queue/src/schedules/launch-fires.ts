import { contractOf, type JobResource, type JobType, PermanentError, parsePayload } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  type Database,
  type FireEnd,
  type OwedFire,
  SealError,
  type Sealer,
  settleFires,
} from '@queue-service/persistence';
import type { Dispatcher } from '../dispatch.ts';
import { storedEnvelope } from '../envelope.ts';
import { DatabaseUnavailableError, type NewJob, type Producer, QueueUnavailableError } from '../new-job.ts';
import { jitterOf } from './jitter.ts';

export interface LaunchParts {
  db: Database;
  sealer: Sealer;
  producer: Producer;
  now: () => Date;
  log: Logger;
}

/** A fire that was handed over, or that never can be. */
export interface LaunchedFire {
  end: FireEnd;
  job: JobResource | null;
}

/**
 * Hands the jobs of fires to their queues and marks the fires. A repeat does no harm: the job's id and idempotency key
 * follow from the fire. What a queue cannot take now stays owed and is missing from the answer.
 */
export async function launchFires(parts: LaunchParts, fires: readonly OwedFire[]): Promise<LaunchedFire[]> {
  if (fires.length === 0) return [];
  const launched = (await Promise.all(fires.map((fire) => launch(parts, fire)))).filter((one) => one !== null);
  if (launched.length > 0)
    await settleFires(
      parts.db,
      launched.map(({ end }) => end),
      parts.now(),
    );
  return launched;
}

async function launch(parts: LaunchParts, fire: OwedFire): Promise<LaunchedFire | null> {
  const { scheduleId, fireAt } = fire;
  try {
    const job = await accept(parts.producer, fire, jobOf(fire, parts.sealer));
    return { end: { scheduleId, fireAt, status: 'fired', reason: null }, job };
  } catch (error) {
    if (error instanceof PermanentError || error instanceof SealError) {
      parts.log.error({ err: error, scheduleId }, 'A schedule cannot make its job');
      return { end: { scheduleId, fireAt, status: 'skipped', reason: error.message }, job: null };
    }
    if (!(error instanceof QueueUnavailableError || error instanceof DatabaseUnavailableError)) {
      parts.log.error({ err: error, scheduleId }, 'The job of a fire was not accepted; it is tried again');
    }
    return null;
  }
}

const idempotencyKey = ({ scheduleId, fireAt }: OwedFire) => `schedule:${scheduleId}:${fireAt.toISOString()}`;

/** @throws PermanentError, SealError when the payload fits its contract no longer or cannot be opened */
function jobOf(fire: OwedFire, sealer: Sealer): NewJob {
  const type = fire.type as JobType;
  const payload = sealer.open(fire.payload, contractOf(type).personalData);
  const delayMs = jitterOf(fire.scheduleId, fire.fireAt, fire.jitterMs);
  return {
    id: fire.jobId,
    type,
    tenantId: fire.tenantId,
    data: parsePayload(type, fire.payloadVersion, payload) as Record<string, unknown>,
    idempotencyKey: idempotencyKey(fire),
    options: delayMs > 0 ? { ...fire.options, delayMs } : fire.options,
  };
}

async function accept(producer: Producer, fire: OwedFire, job: NewJob): Promise<JobResource | null> {
  const [answer] = await producer.accept([job]);
  if (answer?.outcome === 'key_reused') {
    // The schedule was changed after this very job was accepted and before that was marked.
    if (answer.jobId === fire.jobId) return null;
  } else if (answer?.job.id === fire.jobId) return answer.job;
  // Somebody has posted a job under this key; theirs must not stand in for the fire.
  const [own] = await producer.accept([{ ...job, idempotencyKey: `${job.idempotencyKey}:${fire.jobId}` }]);
  return own === undefined || own.outcome === 'key_reused' ? null : own.job;
}

/**
 * Puts the jobs of fires into a Redis that has lost its data. One that is still there is left as it is. Not for money,
 * whose relay does that from the ledger.
 */
export async function redispatchFires(
  parts: { sealer: Sealer; dispatch: Dispatcher; now: () => Date; log: Logger },
  queue: 'communication' | 'background',
  fires: readonly OwedFire[],
): Promise<void> {
  const now = parts.now().getTime();
  await parts.dispatch(
    queue,
    fires.map((fire) => {
      const type = fire.type as JobType;
      const { policy } = contractOf(type);
      const startAt = fire.fireAt.getTime() + jitterOf(fire.scheduleId, fire.fireAt, fire.jitterMs);
      const priority = fire.options.priority ?? policy.priority;
      return {
        id: fire.jobId,
        type,
        priority,
        tenantId: fire.tenantId,
        delayMs: startAt - now,
        data: storedEnvelope({
          tenantId: fire.tenantId,
          payload: fire.payload,
          payloadVersion: fire.payloadVersion,
          priority,
          maxAttempts: fire.options.attempts ?? policy.attempts,
          timeoutMs: fire.options.timeoutMs ?? policy.timeoutMs,
          webhookUrl: fire.options.webhookUrl ?? null,
          idempotencyKey: idempotencyKey(fire),
          createdAt: now,
          scheduledFor: startAt > now ? startAt : null,
        }),
      };
    }),
  );
}
