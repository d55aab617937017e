import type { Logger } from '@queue-service/observability';
import { mendHistory, type Runtime } from '@queue-service/queue';
import { every } from './every.ts';

/** History is written within a second; while PostgreSQL is away it waits for it, and so do we. */
const settledAfterMs = 5_000;
/** How far the clock of a worker may be off. */
const clockSlackMs = 5_000;
/** At the first look: as long as Redis keeps what ended. */
const keptMs = 3_600_000;

/** Completes history every so often with the ends whose workers were killed before they wrote them. */
export function startHistoryMends(options: {
  runtime: Runtime;
  log: Logger;
  signal: AbortSignal;
  /** Default 5,000. */
  everyMs?: number;
}): Promise<void> {
  const { runtime, log, signal, everyMs = 5_000 } = options;
  const lookedTo = new Map<string, number>();
  return every(everyMs, signal, async () => {
    for (const queue of ['communication', 'background'] as const) {
      const now = runtime.now().getTime();
      const to = now - settledAfterMs;
      try {
        const from = (lookedTo.get(queue) ?? now - keptMs) - clockSlackMs;
        const mended = await mendHistory(runtime, queue, { from, to });
        if (mended > 0)
          log.warn({ queue, jobs: mended }, 'Ends that their workers had not written were found in Redis');
        lookedTo.set(queue, to);
      } catch (error) {
        log.debug({ err: error, queue }, 'History could not be compared with Redis; the next round does');
      }
    }
  });
}
