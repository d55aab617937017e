import { deliveryStatuses, type JobStatus, type JobType } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  type Database,
  historyText,
  insertWebhookDeliveries,
  refreshDeliveries,
  upsertJobs,
} from '@queue-service/persistence';
import { type FollowUp, jobEvent, silentTypes } from './ends.ts';
import type { Envelope } from './envelope.ts';
import { historyRow } from './envelope-state.ts';
import { type JobState, jobResource } from './resource.ts';

/**
 * Writes the history of communication and background jobs in batches behind the work. Never slows or fails a job: while
 * PostgreSQL is away it keeps the newest `maxBuffered` states and counts what it had to drop.
 *
 * The last batch does not survive a `kill -9`: `mendHistory` writes it later from what Redis keeps.
 * What must not be forgotten (deaths, flow steps, a job's own webhook) does not pass here.
 */
export interface HistoryWriter {
  /** @param told whether the tenant's endpoints hear of it, if it has ended */
  write(state: JobState, envelope: Envelope, told: boolean): void;
  /** Writes what is left; gives up after `timeoutMs`. */
  close(timeoutMs?: number): Promise<void>;
}

/** Texts, of which hundreds wait: as objects they would be most of what each collection of garbage has to move. */
interface Entry {
  id: string;
  type: string;
  tenantId: string;
  status: JobStatus;
  ended: boolean;
  told: boolean;
  /** A `HistoryRow`. */
  text: string;
}

/** Those whose providers tell later what became of them. */
const messageTypes: ReadonlySet<string> = new Set(['send-email', 'send-sms'] satisfies JobType[]);

const flushEveryMs = 200;
const batchSize = 500;
const maxBuffered = 50_000;

export function createHistoryWriter(db: Database, followUp: FollowUp, log: Logger, now: () => Date): HistoryWriter {
  let buffer: Entry[] = [];
  let dropped = 0;
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  /** A provider may have told of a message before its row was there. */
  const showDeliveries = async (entries: readonly Entry[]) => {
    const sent = entries.filter(({ type, ended }) => messageTypes.has(type) && ended);
    if (sent.length === 0) return;
    const ids = sent.map(({ id }) => id);
    await refreshDeliveries(db, ids, deliveryStatuses).catch((error: unknown) =>
      log.warn({ err: error }, 'What providers told of messages is not shown on their jobs until they tell more'),
    );
  };

  const flush = async (): Promise<void> => {
    const batch = buffer.splice(0, batchSize);
    if (batch.length === 0) return;
    // One statement may not touch a row twice: the last state of each job counts.
    const latest = [...new Map(batch.map((entry) => [entry.id, entry])).values()];
    try {
      const deliveries = await db.transaction(async (sql) => {
        const ended = await upsertJobs(
          sql,
          latest.map(({ text }) => text),
        );
        const told = latest.filter(({ id, type, told }) => told && !silentTypes.has(type) && ended.has(id));
        return insertWebhookDeliveries(
          sql,
          told.map((entry) => jobEvent(entry, null, now(), () => jobResource(stateIn(entry.text)))),
        );
      });
      await followUp({ money: [], flowIds: [], deliveries, cancelJobs: [] });
      await showDeliveries(latest);
    } catch (error) {
      const kept = [...batch, ...buffer];
      buffer = kept.slice(-maxBuffered);
      dropped += kept.length - buffer.length;
      log.warn({ err: error, buffered: buffer.length, dropped }, 'History could not be written; trying again');
      throw error;
    }
  };

  const schedule = (delayMs: number) => {
    if (timer !== null || running !== null) return;
    timer = setTimeout(() => {
      timer = null;
      running = flush()
        .then(
          () => 0,
          () => 2_000,
        )
        .then((pauseMs) => {
          running = null;
          if (buffer.length > 0) schedule(Math.max(pauseMs, buffer.length >= batchSize ? 0 : flushEveryMs));
        });
    }, delayMs);
    timer.unref();
  };

  return {
    write: (state, envelope, told) => {
      const { id, type, tenantId, status, finishedAt } = state;
      const text = historyText(historyRow(jobResource(state), envelope));
      buffer.push({ id, type, tenantId, status, ended: finishedAt !== null, told, text });
      if (buffer.length > maxBuffered) {
        buffer.shift();
        dropped += 1;
      }
      schedule(flushEveryMs);
    },
    close: async (timeoutMs = 5_000) => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const deadline = performance.now() + timeoutMs;
      await running;
      while (buffer.length > 0 && performance.now() < deadline) {
        try {
          await flush();
        } catch {
          break;
        }
      }
      if (buffer.length > 0)
        log.error({ lost: buffer.length }, 'History was not written before the end of the process');
    },
  };
}

function stateIn(text: string): JobState {
  const { scheduledFor, createdAt, startedAt, finishedAt, ...row } = JSON.parse(text);
  const time = (iso: string | undefined) => (iso === undefined ? null : new Date(iso));
  return {
    ...{ idempotencyKey: null, result: null, error: null, flowId: null, ...row, createdAt: new Date(createdAt) },
    ...{ scheduledFor: time(scheduledFor), startedAt: time(startedAt), finishedAt: time(finishedAt) },
  };
}
