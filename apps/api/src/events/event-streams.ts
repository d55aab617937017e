import { Readable } from 'node:stream';
import type { JobResource } from '@queue-service/contracts';
import type { JobEventListener, ToldEvent } from '@queue-service/queue';
import type { Jobs, Scope } from '../ports.ts';

/** Streams of one process at most: beyond it a new one is refused, rather than all of them slow. */
export const MOST_STREAMS = 10_000;
/** What a client that reads too slowly may be behind, in bytes; then it is cut off, and comes back by `Last-Event-ID`. */
const MOST_BEHIND_BYTES = 1_024 * 1_024;
const HEARTBEAT_MS = 15_000;
/** An event may be lost with its Redis; every so many heartbeats a stream looks whether its job has ended. */
const LOOK_EVERY_BEATS = 4;
/** A replica or a store that lags may not say so yet. */
const LOOK_AGAIN_MS = [20, 50, 100, 200, 400, 800, 1_600, 3_200];

export interface StreamRequest {
  readonly job: JobResource;
  readonly scope: Scope;
  /** `Last-Event-ID`; null for the whole story. */
  readonly afterId: string | null;
  /** When the token expires. */
  readonly untilMs: number;
}

export interface EventStreams {
  readonly open: number;
  /** The server-sent events of a job until its end; null when there are too many streams. */
  stream(request: StreamRequest): Readable | null;
  /** Ends all of them; their clients come back to another process. */
  close(): void;
}

interface Open {
  beat(): void;
  end(): void;
}

/** @param everyMs runs the work again and again until the answer is called; for tests the clock is theirs */
export function createEventStreams(parts: {
  readonly listener: JobEventListener;
  readonly jobs: Pick<Jobs, 'find'>;
  readonly nowMs: () => number;
  readonly most?: number;
  readonly mostBehindBytes?: number;
  readonly everyMs?: (work: () => void, ms: number) => () => void;
}): EventStreams {
  const { listener, jobs, nowMs, most = MOST_STREAMS, mostBehindBytes = MOST_BEHIND_BYTES, everyMs = every } = parts;
  const streams = new Set<Open>();
  // One timer for all.
  const stopBeating = everyMs(() => {
    for (const one of streams) one.beat();
  }, HEARTBEAT_MS);

  const stream = ({ job, scope, afterId, untilMs }: StreamRequest): Readable | null => {
    if (streams.size >= most) return null;
    const out = new Readable({ read: () => {}, highWaterMark: mostBehindBytes });
    let beats = 0;
    let looking = false;

    const write = (text: string) => {
      if (out.destroyed || out.readableEnded) return;
      if (!out.push(text) && out.readableLength > mostBehindBytes) out.destroy();
    };
    const writeEvent = (event: string, data: object, id?: string) =>
      write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    const end = () => {
      if (!out.destroyed && streams.has(one)) out.push(null);
      leave();
    };
    const look = async (): Promise<boolean> => {
      const found = await jobs.find(job.id, scope).catch(() => undefined);
      if (found === undefined || !streams.has(one)) return false;
      if (found !== null && found.finishedAt === null) return false;
      if (found !== null) writeEvent('end', { job: found });
      end();
      return true;
    };
    /** Not ended after all when it was started again since. */
    const lookUntilEnded = async () => {
      if (looking) return;
      looking = true;
      for (const ms of LOOK_AGAIN_MS) {
        if (!streams.has(one) || (await look())) break;
        await new Promise((resolve) => setTimeout(resolve, ms));
      }
      looking = false;
    };
    const hear = ({ id, event }: ToldEvent) => {
      if (event.event === 'ended') void lookUntilEnded();
      else writeEvent(event.event, event.data, id);
    };
    const one: Open = {
      end,
      beat: () => {
        if (nowMs() >= untilMs) {
          write(': the token has expired\n\n');
          end();
          return;
        }
        write(': alive\n\n');
        beats += 1;
        if (beats % LOOK_EVERY_BEATS === 0) void look();
      },
    };
    streams.add(one);
    write('retry: 2000\n\n');
    if (afterId === null) {
      const { status, attempts: attempt, maxAttempts } = job;
      writeEvent('status', { status, attempt, maxAttempts, at: new Date(nowMs()).toISOString() });
    }
    const stopListening = listener.listen(job.queue, job.id, afterId, hear, () => {
      if (!looking) void look();
    });
    const leave = () => {
      streams.delete(one);
      stopListening();
    };
    out.once('close', leave);
    if (job.finishedAt !== null) void lookUntilEnded();
    return out;
  };

  return {
    get open() {
      return streams.size;
    },
    stream,
    close: () => {
      stopBeating();
      for (const one of streams) one.end();
    },
  };
}

function every(work: () => void, ms: number): () => void {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
}
