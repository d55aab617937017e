import type { QueueName } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { duplicateWaiting, type RedisClient } from '../redis/client.ts';
import type { Connections } from '../redis/connections.ts';
import { eventsKey, type PublishedEvent } from './publish.ts';

export interface ToldEvent {
  /** Grows; what `Last-Event-ID` names. Empty for what is told only as it happens. */
  readonly id: string;
  readonly event: PublishedEvent;
}

export interface JobEventListener {
  /**
   * Tells the events of a job after `afterId` (null: all that are kept), then each as it happens, in order and each once.
   * The answer stops it. Throws nothing: while Redis is away nothing is told, and what was kept meanwhile is told when it
   * is back.
   *
   * @param there called each time when what is kept was told and from here on nothing is missed: what is told only as it
   * happens must be looked for then
   */
  listen(
    queue: QueueName,
    jobId: string,
    afterId: string | null,
    tell: (event: ToldEvent) => void,
    there?: () => void,
  ): () => void;
  readonly connections: number;
  close(): void;
}

interface Listening {
  readonly key: string;
  lastId: string;
  /** Told while what is kept is being read. */
  waiting: ToldEvent[] | null;
  readonly tell: (event: ToldEvent) => void;
  readonly there: () => void;
  readonly source: RedisClient;
}

/** Whoever listens, however many: one connection a Redis server, opened when first needed. */
export function createJobEventListener(connections: Connections, log: Logger): JobEventListener {
  const subscribers = new Map<RedisClient, { redis: RedisClient; byKey: Map<string, Set<Listening>> }>();

  const subscriberOf = (source: RedisClient) => {
    const known = subscribers.get(source);
    if (known !== undefined) return known;
    const redis = duplicateWaiting(source);
    redis.on('error', (error) => log.debug({ err: error }, 'The connection for job events met an error'));
    const opened = { redis, byKey: new Map<string, Set<Listening>>() };
    subscribers.set(source, opened);
    redis.on('message', (key: string, message: string) => {
      const event = toldEvent(message);
      if (event !== null) for (const listening of opened.byKey.get(key) ?? []) hear(listening, event);
    });
    // Also those that failed while it was away; and what was told meanwhile is read.
    redis.on('ready', () => {
      for (const key of opened.byKey.keys()) subscribe(opened, key);
    });
    return opened;
  };

  return {
    get connections() {
      return subscribers.size;
    },
    listen: (queue, jobId, afterId, tell, there = () => {}) => {
      const { redis: source, prefix } = connections.of(queue);
      const { redis, byKey } = subscriberOf(source);
      const key = eventsKey(prefix, jobId);
      const listening: Listening = { key, lastId: afterId ?? '0-0', waiting: [], tell, there, source };
      const all = byKey.get(key) ?? new Set();
      byKey.set(key, all);
      all.add(listening);
      if (redis.status === 'ready') subscribe({ redis, byKey }, key, listening);
      return () => {
        all.delete(listening);
        if (all.size > 0 || byKey.get(key) !== all) return;
        byKey.delete(key);
        redis.unsubscribe(key).catch(() => {});
      };
    },
    close: () => {
      for (const { redis } of subscribers.values()) redis.disconnect();
    },
  };
}

/** Listening first, reading then: nothing falls in between. */
function subscribe(
  { redis, byKey }: { redis: RedisClient; byKey: Map<string, Set<Listening>> },
  key: string,
  only?: Listening,
) {
  redis.subscribe(key).then(
    () => {
      for (const listening of only === undefined ? (byKey.get(key) ?? []) : [only]) void catchUp(listening);
    },
    () => {}, // Away again: its return does it.
  );
}

async function catchUp(listening: Listening): Promise<void> {
  listening.waiting ??= [];
  try {
    const entries = await listening.source.lrange(listening.key, 0, -1);
    const kept = entries.flatMap((entry) => toldEvent(entry) ?? []);
    const waiting = listening.waiting ?? [];
    listening.waiting = null;
    for (const event of [...kept, ...waiting]) hear(listening, event);
    listening.there();
  } catch {
    // Redis is away: what waits is told, and the rest when it is back.
    const waiting = listening.waiting ?? [];
    listening.waiting = null;
    for (const event of waiting) hear(listening, event);
  }
}

function hear(listening: Listening, event: ToldEvent): void {
  if (listening.waiting !== null) listening.waiting.push(event);
  else if (event.id === '') listening.tell(event);
  else if (isLater(event.id, listening.lastId)) {
    listening.lastId = event.id;
    listening.tell(event);
  }
}

function isLater(id: string, than: string): boolean {
  const [ms = '', count = ''] = id.split('-');
  const [thanMs = '', thanCount = ''] = than.split('-');
  return Number(ms) > Number(thanMs) || (ms === thanMs && Number(count) > Number(thanCount));
}

function toldEvent(told: string): ToldEvent | null {
  const space = told.indexOf(' ');
  try {
    return { id: told.slice(0, space), event: JSON.parse(told.slice(space + 1)) as PublishedEvent };
  } catch {
    return null;
  }
}
