import { createWatchdog, type Liveness, type Logger } from '@queue-service/observability';
import { closeIncident, type Database, openIncident } from '@queue-service/persistence';
import type { QueueConnection } from '../redis/connections.ts';
import type { WorkerHost } from './worker-host.ts';

export interface ProgressWatchParts {
  host: Pick<WorkerHost, 'id' | 'running' | 'lastProgressAt'>;
  /** Not the worker's own connection: that may be what has gone silent. */
  connection: QueueConnection;
  db: Database;
  log: Logger;
  /** How long a worker may do nothing while jobs wait, in milliseconds. Default 60,000. */
  maxSilenceMs?: number;
  /** Between two looks, in milliseconds. Default 5000. */
  everyMs?: number;
}

export interface ProgressWatch {
  readonly liveness: Liveness;
  close(): void;
}

/**
 * Liveness by progress: a worker that runs nothing and takes nothing while jobs wait is stuck, whatever its connections
 * say. Told in the log and as an incident, and by a liveness that has Kubernetes start it anew.
 *
 * Never stuck: one whose queue is empty, paused or rate-limited, that runs a job (time-outs are for those), or whose
 * Redis is away (a restart does not bring it back).
 */
export function watchProgress(parts: ProgressWatchParts): ProgressWatch {
  const { host, connection, db, log } = parts;
  const { queue, redis, name } = connection;
  const key = `worker_stuck:${name}`;
  const watchdog = createWatchdog({ name: `The worker of ${name}`, maxSilenceMs: parts.maxSilenceMs ?? 60_000 });
  let seenAt = host.lastProgressAt;
  /** At the start an incident may be left of the process before. */
  let told: 'unknown' | 'stuck' | 'well' = 'unknown';

  const excused = async (): Promise<boolean> => {
    if (host.running > 0 || redis.status !== 'ready') return true;
    const [counts, paused, limitedMs] = await Promise.all([
      queue.getJobCounts('wait', 'prioritized'),
      queue.isPaused(),
      queue.getRateLimitTtl(),
    ]);
    return (counts['wait'] ?? 0) + (counts['prioritized'] ?? 0) === 0 || paused || limitedMs > 0;
  };

  const look = async () => {
    const progressed = host.lastProgressAt !== seenAt;
    seenAt = host.lastProgressAt;
    if (progressed || (await excused().catch(() => true))) watchdog.beat();
    const { alive, detail = '' } = watchdog.liveness();
    if (!alive && told !== 'stuck') {
      told = 'stuck';
      log.error({ worker: host.id, queue: name }, `${detail} although jobs wait`);
      await openIncident(db, {
        ...{ key, kind: 'worker_stuck', severity: 'critical' },
        summary: `A worker of the queue ${name} does nothing although jobs wait`,
        details: { worker: host.id, queue: name },
      }).catch((error: unknown) => log.warn({ err: error }, 'The incident could not be written'));
    } else if (alive && progressed && told !== 'well') {
      told = 'well';
      await closeIncident(db, key).catch((error: unknown) => {
        told = 'unknown';
        log.debug({ err: error }, 'The incident could not be closed; the next look tries again');
      });
    }
  };

  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    await look().finally(() => {
      looking = false;
    });
  }, parts.everyMs ?? 5_000);
  timer.unref();
  return { liveness: watchdog.liveness, close: () => clearInterval(timer) };
}
