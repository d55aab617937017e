import type { Logger } from '@queue-service/observability';
import { type Runtime, releaseCanary } from '@queue-service/queue';
import { every } from './every.ts';

/** Sends a canary through each queue every so often: the wait of a job that does nothing is the wait of all. */
export function startCanaries(options: {
  runtime: Runtime;
  log: Logger;
  signal: AbortSignal;
  /** Default 15,000. */
  everyMs?: number;
}): Promise<void> {
  const { runtime, log, signal, everyMs = 15_000 } = options;
  return every(everyMs, signal, async () => {
    for (const connection of runtime.connections.all) {
      await releaseCanary(connection).catch((error: unknown) =>
        log.debug({ err: error, queue: connection.name }, 'No canary could be sent; the next round does'),
      );
    }
  });
}
