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
import { type Envelope, newEnvelope } from './envelope.ts';
import { whileAvailable } from './redis/availability.ts';
import type { Connections } from './redis/connections.ts';

/** What became of the wish to start a dead job again. */
export type Redriving =
  | { outcome: 'redriven'; letter: DeadLetterRow }
  | { outcome: 'not_found' }
  /** The letter was resolved before. */
  | { outcome: 'resolved'; status: DeadLetterStatus }
  /** Its job runs, or was started again already. */
  | { outcome: 'not_failed' };

/** Writes, in the transaction of the redrive, who did it. */
export type RedriveNote = (sql: Sql, before: DeadLetterRow, after: DeadLetterRow) => Promise<void>;

/**
 * Starts a dead job again, under its own id: what it did before is found out before anything is sent.
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
  log: Logger;
  now: () => Date;
}

export function createRedriveJob(parts: RedriveParts): RedriveJob {
  const { db, dispatch, log } = parts;
  return async (which, tenantId, by, note = async () => {}) => {
    const redriving = await db
      .transaction(async (sql): Promise<Redriving> => {
        const found = await findDeadLetter(sql, which, tenantId, true);
        if (found === null) return { outcome: 'not_found' };
        if (found.status !== 'open') return { outcome: 'resolved', status: found.status };
        const { id, jobId, queue } = found;
        if (queue === 'money') {
          if (!(await reviveCriticalJob(sql, jobId))) throw new NotFailed();
        } else await reviveHistoryJob(sql, jobId);
        const letter = await resolveDeadLetter(sql, id, { status: 'redriven', by, reason: null });
        if (letter === null) throw new Error(`the dead letter ${id} changed under its lock`);
        await note(sql, found, letter);
        // Before the commit: what Redis does not take stays a dead letter.
        if (queue !== 'money') await startAgain(parts, found);
        return { outcome: 'redriven', letter };
      })
      .catch((error: unknown): Redriving => {
        if (error instanceof NotFailed) return { outcome: 'not_failed' };
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

class NotFailed extends Error {}

/** Where the dead job still is in Redis, what the letter does not keep is taken from it. */
async function startAgain(parts: RedriveParts, letter: DeadLetterRow): Promise<void> {
  const name = letter.queue as QueueName;
  const { queue, redis } = parts.connections.of(name);
  const old = await whileAvailable(redis, name, () => queue.getJob(letter.jobId));
  if (old !== undefined) {
    const state = await whileAvailable(redis, name, () => old.getState());
    if (state !== 'failed' && state !== 'completed') throw new NotFailed();
    await whileAvailable(redis, name, () => old.remove());
  }
  const known = old?.data as Envelope | undefined;
  const { tenantId, payload, payloadVersion, priority, maxAttempts, timeoutMs, flowId, flowStep } = letter;
  const data = newEnvelope({
    ...{ tenantId, payload, payloadVersion, priority, maxAttempts, timeoutMs },
    flow: flowId === null || flowStep === null ? null : { flowId, step: flowStep },
    createdAt: known?.createdAt ?? parts.now().getTime(),
    idempotencyKey: known?.idempotencyKey ?? null,
    webhookUrl: known?.webhookUrl ?? null,
    requestId: known?.requestId ?? null,
    traceId: known?.traceId ?? null,
    // What was refused is asked for again; what was done is not done again.
    effects: Object.fromEntries(Object.entries(known?.effects ?? {}).filter(([, { status }]) => status !== 'rejected')),
  });
  await parts.dispatch(name, [
    { id: letter.jobId, type: letter.type as JobType, priority, tenantId, delayMs: 0, data },
  ]);
}
