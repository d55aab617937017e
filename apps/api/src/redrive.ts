import type { JobType, QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  type DeadLetterRow,
  findDeadLetter,
  insertAudit,
  resolveDeadLetter,
  reviveCriticalJob,
  reviveHistoryJob,
  type Sql,
} from '@queue-service/persistence';
import { type Envelope, newEnvelope, type Runtime, whileAvailable, whileDatabaseAvailable } from '@queue-service/queue';
import { auditEntry, type Change } from './audit.ts';
import { Problem } from './http/problem.ts';

type By = Parameters<typeof findDeadLetter>[1];

/** @throws Problem `not_found`, `conflict`; QueueUnavailableError for what lives in Redis; DatabaseUnavailableError */
export type Redrive = (by: By, change: Change) => Promise<DeadLetterRow>;

/** Starts dead jobs again, under their own ids. */
export function createRedrive(runtime: Runtime, log: Logger): Redrive {
  const { db, dispatch } = runtime;
  return async (by, change) => {
    const letter = await whileDatabaseAvailable(() =>
      db.transaction(async (sql) => {
        const found = await openLetter(sql, by, change);
        const { id, jobId, queue, tenantId } = found;
        if (queue === 'money') {
          if (!(await reviveCriticalJob(sql, jobId))) throw notFailed();
        } else await reviveHistoryJob(sql, jobId);
        const how = { status: 'redriven', by: change.actor.principal.subject, reason: null } as const;
        const resolved = await resolveDeadLetter(sql, id, how);
        if (resolved === null) throw new Error(`the dead letter ${id} changed under its lock`);
        await insertAudit(sql, [
          auditEntry(change, {
            ...{ action: 'dead-letter.redrive', resource: 'dead-letter', resourceId: id, tenantId },
            before: { status: 'open', jobId },
            after: { status: 'redriven', redrives: resolved.redrives },
          }),
        ]);
        // Before the commit: what Redis does not take stays a dead letter.
        if (queue !== 'money') await startAgain(runtime, found);
        return resolved;
      }),
    );
    if (letter.queue === 'money') {
      const { jobId: id, tenantId, priority } = letter;
      const job = { id, type: letter.type as JobType, priority, tenantId, delayMs: 0, data: {} };
      await dispatch('money', [job]).catch((err: unknown) =>
        log.warn({ err, jobId: id }, 'A redriven job could not be dispatched; the relay will do it'),
      );
    }
    return letter;
  };
}

/** @throws Problem `not_found`, `conflict` */
export async function openLetter(sql: Sql, by: By, { actor }: Change): Promise<DeadLetterRow> {
  const letter = await findDeadLetter(sql, by, actor.scope, true);
  if (letter === null) throw new Problem('not_found');
  if (letter.status !== 'open')
    throw new Problem('conflict', { detail: `The dead letter is ${letter.status} already` });
  return letter;
}

/** Where the dead job still is in Redis, what the letter does not keep is taken from it. */
async function startAgain(runtime: Runtime, letter: DeadLetterRow): Promise<void> {
  const name = letter.queue as QueueName;
  const { queue, redis } = runtime.connections.of(name);
  const old = await whileAvailable(redis, name, () => queue.getJob(letter.jobId));
  if (old !== undefined) {
    const state = await whileAvailable(redis, name, () => old.getState());
    if (state !== 'failed' && state !== 'completed') throw notFailed();
    await whileAvailable(redis, name, () => old.remove());
  }
  const known = old?.data as Envelope | undefined;
  const { tenantId, payload, payloadVersion, priority, maxAttempts, timeoutMs, flowId, flowStep } = letter;
  const data = newEnvelope({
    ...{ tenantId, payload, payloadVersion, priority, maxAttempts, timeoutMs },
    flow: flowId === null || flowStep === null ? null : { flowId, step: flowStep },
    createdAt: known?.createdAt ?? runtime.now().getTime(),
    idempotencyKey: known?.idempotencyKey ?? null,
    webhookUrl: known?.webhookUrl ?? null,
    requestId: known?.requestId ?? null,
    traceId: known?.traceId ?? null,
    // What was refused is asked for again; what was done is not done again.
    effects: Object.fromEntries(Object.entries(known?.effects ?? {}).filter(([, { status }]) => status !== 'rejected')),
  });
  await runtime.dispatch(name, [
    { id: letter.jobId, type: letter.type as JobType, priority, tenantId, delayMs: 0, data },
  ]);
}

function notFailed(): Problem {
  return new Problem('conflict', { detail: 'The job of the dead letter has not failed, or was started again already' });
}
