import { deliveryStatuses, type JobType } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  type Database,
  type HistoryRow,
  insertWebhookDeliveries,
  refreshDeliveries,
  upsertJobs,
} from '@queue-service/persistence';
import { type EndedJob, type FollowUp, jobEvent } from './ends.ts';
import type { Envelope } from './envelope.ts';
import type { JobState } from './resource.ts';

/**
 * Writes the history of communication and background jobs in batches behind the work. Never slows or fails a job: while
 * PostgreSQL is away it keeps the newest `maxBuffered` states and counts what it had to drop.
 *
 * The last batch does not survive a `kill -9`: `mendHistory` writes it later from what Redis keeps.
 * What must not be forgotten (deaths, flow steps, a job's own webhook) does not pass here.
 */
export interface HistoryWriter {
  /** @param ended the tenant's endpoints hear of it, too */
  write(state: JobState, envelope: Envelope, ended: EndedJob | null): void;
  /** Writes what is left; gives up after `timeoutMs`. */
  close(timeoutMs?: number): Promise<void>;
}

interface Entry {
  row: HistoryRow;
  ended: EndedJob | null;
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
  const showDeliveries = async (rows: readonly HistoryRow[]) => {
    const sent = rows.filter(({ type, finishedAt }) => messageTypes.has(type) && finishedAt !== null);
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
    const rows = [...new Map(batch.map(({ row }) => [row.id, row])).values()];
    const ends = new Map(batch.flatMap(({ row, ended }) => (ended === null ? [] : [[row.id, ended]])));
    try {
      const deliveries = await db.transaction(async (sql) => {
        const ended = await upsertJobs(sql, rows);
        const events = [...ends.values()]
          .filter(({ resource }) => resource.type !== 'deliver-webhook' && ended.has(resource.id))
          .map((end) => jobEvent(end.resource, null, now()));
        return events.length === 0 ? [] : insertWebhookDeliveries(sql, events);
      });
      await followUp({ money: [], flowIds: [], deliveries, cancelJobs: [] });
      await showDeliveries(rows);
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
    write: (state, envelope, ended) => {
      buffer.push({ row: historyRow(state, envelope), ended });
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

function historyRow(state: JobState, envelope: Envelope): HistoryRow {
  const { delivery: _, ...rest } = state;
  return {
    ...rest,
    payload: envelope.payload,
    payloadVersion: envelope.payloadVersion,
    flowStep: envelope.flow?.step ?? null,
    requestId: envelope.requestId,
    traceId: envelope.traceId,
    scheduledFor: state.scheduledFor?.toISOString() ?? null,
    createdAt: state.createdAt.toISOString(),
    startedAt: state.startedAt?.toISOString() ?? null,
    finishedAt: state.finishedAt?.toISOString() ?? null,
  };
}
