import type { JobType, QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  type Database,
  type DeadLetterRow,
  type DeadLetterStatus,
  findDeadLetter,
  resolveDeadLetter,
  reviveCriticalJob,
  reviveHistoryJob,
  type Sql,
} from '@queue-service/persistence';
import type { Dispatcher } from './dispatch.ts';
import { storedEnvelope } from './envelope.ts';
import type { RetryFlow } from './flows/retry-flow.ts';
import type { Connections } from './redis/connections.ts';
import { JobNotEndedError, takeEndedJob } from './revive.ts';

/** What became of the wish to start a dead job again. */
export type Redriving =
  | { outcome: 'redriven'; letter: DeadLetterRow }
  | { outcome: 'not_found' }
  /** The letter was resolved before. */
  | { outcome: 'resolved'; status: DeadLetterStatus }
  /** Its job runs, or was started again already. */
  | { outcome: 'not_failed' }
  /** It is a step of a flow that cannot go on. */
  | { outcome: 'refused'; reason: string };

/** Writes, in the transaction of the redrive, who did it. */
export type RedriveNote = (sql: Sql, before: DeadLetterRow, after: DeadLetterRow) => Promise<void>;

/**
 * Starts a dead job again, under its own id: what it did before is found out before anything is sent. One that a flow
 * died of resumes the flow, with all that it died of.
 * @param tenantId null may redrive all
 * @param by who is named in the letter
 * @throws QueueUnavailableError for what lives in Redis
 */
export type RedriveJob = (
  which: { id: string } | { jobId: string },
  tenantId: string | null,
  by: string,
  note?: RedriveNote,
) => Promise<Redriving>;

export interface RedriveParts {
  db: Database;
  connections: Connections;
  dispatch: Dispatcher;
  retryFlow: RetryFlow;
  log: Logger;
  now: () => Date;
}

export function createRedriveJob(parts: RedriveParts): RedriveJob {
  const { db, dispatch, log } = parts;
  return async (which, tenantId, by, note = async () => {}) => {
    // A flow is locked before its letters, everywhere.
    const letter = await findDeadLetter(db, which, tenantId, false);
    if (letter?.status === 'open' && letter.flowId !== null) return redriveStep(parts, letter, tenantId, by, note);
    const redriving = await db
      .transaction(async (sql): Promise<Redriving> => {
        const found = await findDeadLetter(sql, which, tenantId, true);
        if (found === null) return { outcome: 'not_found' };
        if (found.status !== 'open') return { outcome: 'resolved', status: found.status };
        const { id, jobId, queue } = found;
        if (queue === 'money') {
          if (!(await reviveCriticalJob(sql, jobId))) throw new JobNotEndedError();
        } else await reviveHistoryJob(sql, jobId);
        const letter = await resolveDeadLetter(sql, id, { status: 'redriven', by, reason: null });
        if (letter === null) throw new Error(`the dead letter ${id} changed under its lock`);
        await note(sql, found, letter);
        // Before the commit: what Redis does not take stays a dead letter.
        if (queue !== 'money') await startAgain(parts, found);
        return { outcome: 'redriven', letter };
      })
      .catch((error: unknown): Redriving => {
        if (error instanceof JobNotEndedError) return { outcome: 'not_failed' };
        throw error;
      });
    if (redriving.outcome === 'redriven' && redriving.letter.queue === 'money') {
      const { jobId: id, tenantId: owner, priority, type } = redriving.letter;
      const job = { id, type: type as JobType, priority, tenantId: owner, delayMs: 0, data: {} };
      await dispatch('money', [job]).catch((err: unknown) =>
        log.warn({ err, jobId: id }, 'A redriven job could not be dispatched; the relay will do it'),
      );
    }
    return redriving;
  };
}

async function redriveStep(
  { db, retryFlow }: RedriveParts,
  before: DeadLetterRow,
  tenantId: string | null,
  by: string,
  note: RedriveNote,
): Promise<Redriving> {
  const { id, jobId } = before;
  const retried = await retryFlow({ flowId: before.flowId as string, jobId }, tenantId, by, async (sql) => {
    const after = await findDeadLetter(sql, { id }, null, false);
    if (after !== null) await note(sql, before, after);
  });
  if (retried.outcome !== 'retried') return retried;
  const letter = await findDeadLetter(db, { id }, tenantId, false);
  return letter === null ? { outcome: 'not_found' } : { outcome: 'redriven', letter };
}

async function startAgain(parts: RedriveParts, letter: DeadLetterRow): Promise<void> {
  const name = letter.queue as QueueName;
  // What the letter does not keep.
  const known = await takeEndedJob(parts.connections, name, letter.jobId);
  const { tenantId, payload, payloadVersion, priority, maxAttempts, timeoutMs } = letter;
  const data = storedEnvelope({
    ...{ tenantId, payload, payloadVersion, priority, maxAttempts, timeoutMs },
    createdAt: known?.createdAt ?? parts.now().getTime(),
    idempotencyKey: known?.idempotencyKey ?? null,
    webhookUrl: known?.webhookUrl ?? null,
    requestId: known?.requestId ?? null,
    traceId: known?.traceId ?? null,
    traceparent: known?.traceparent ?? null,
    effects: known?.effects ?? {},
  });
  await parts.dispatch(name, [
    { id: letter.jobId, type: letter.type as JobType, priority, tenantId, delayMs: 0, data },
  ]);
}
