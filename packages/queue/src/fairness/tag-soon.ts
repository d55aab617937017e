import type { QueueName } from '@queue-service/contracts';
import type { Connections } from '../redis/connections.ts';
import { tendQueue } from './tend-queue.ts';

/** Jobs of one queue that are added within this many milliseconds share one call. */
const gatherMs = 5;

/** Has jobs of these priorities, just added, tagged in a moment. */
export type TagSoon = (queue: QueueName, priorities: Iterable<number>) => void;

/**
 * Tags what this process adds, so that it is in its place before a worker looks. Nobody waits for it and nothing depends
 * on it: what is forgotten here, the workers do.
 */
export function createTagSoon(connections: Connections, now: () => Date): TagSoon {
  const waiting = new Map<QueueName, Set<number>>();

  const work = async (name: QueueName): Promise<void> => {
    const connection = connections.of(name);
    const priorities = waiting.get(name) ?? new Set();
    try {
      for (let more = true; more && connection.redis.status === 'ready'; ) {
        const asked = [...priorities];
        priorities.clear();
        more = (await tendQueue(connection, { priorities: asked, now: now() })).more;
        if (more) for (const priority of asked) priorities.add(priority);
        else more = priorities.size > 0;
      }
    } catch {
      // Redis went away, which its connection has told.
    } finally {
      waiting.delete(name);
    }
  };

  return (queue, priorities) => {
    const gathering = waiting.get(queue);
    if (gathering !== undefined) {
      for (const priority of priorities) gathering.add(priority);
      return;
    }
    waiting.set(queue, new Set(priorities));
    setTimeout(() => void work(queue), gatherMs).unref();
  };
}
