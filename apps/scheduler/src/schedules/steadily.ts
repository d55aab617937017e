import type { Logger } from '@queue-service/observability';
import { isRedisUnavailable, QueueUnavailableError } from '@queue-service/queue';

/**
 * Runs a duty whose failure must not stop the others: what it leaves undone is found in the next round. Told once, and
 * once more when it works again; a Redis that is away is told by its connection.
 */
export function steadily(log: Logger, duty: string): (work: () => Promise<void>) => Promise<void> {
  let failing = false;
  return async (work) => {
    try {
      await work();
      if (failing) log.info(`${duty} works again`);
      failing = false;
    } catch (error) {
      const awaited = error instanceof QueueUnavailableError || isRedisUnavailable(error);
      if (awaited || failing) log.debug({ err: error }, `${duty} failed`);
      else log.warn({ err: error }, `${duty} failed; it is tried again each round`);
      failing ||= !awaited;
    }
  };
}
