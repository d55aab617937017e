import type { IncomingHttpHeaders } from 'node:http';
import { getHeapStatistics } from 'node:v8';
import type { Logger, Metrics } from '@queue-service/observability';
import type { RequestHandler } from 'express';
import { Problem, problemBody } from './problem.ts';

export interface LoadShedding {
  /** Before everything else: what is refused must cost next to nothing. */
  readonly handler: RequestHandler;
  readonly bodies: BodyBudget;
  close(): void;
}

/** The memory for bodies that are being read. */
export interface BodyBudget {
  /**
   * Reserves what a body announces, once it is known who sends it: at most a quarter is one sender's, an eighth is for all
   * whom nobody knows together.
   * @param owner the tenant; null for a public route
   * @returns what gives it back
   * @throws Problem `overloaded`
   */
  reserve(headers: IncomingHttpHeaders, owner: string | null, limitBytes: number): () => void;
}

export interface LoadSheddingOptions {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'requestsShed'>;
  /** Requests under way at once; streams of events do not count, they have a limit of their own. */
  readonly mostInFlight: number;
  /** Bytes of bodies under way at once. Default: a twenty-fourth of the heap. */
  readonly mostBodyBytes?: number;
  /** Share of the memory that may be used, from 0 to 1. Default {@link memoryShare}. */
  readonly memoryShare?: () => number;
  readonly everyMs?: number;
  /** By which lateness is told; default `performance.now`. */
  readonly nowMs?: () => number;
}

/** Below the limit, as the requests already under way still need memory. */
const MOST_MEMORY = 0.85;
/** An event loop that is this late has more work than it can do. */
const MOST_LATE_MS = 1_000;
const LOOK_EVERY_MS = 250;

/** Paths that are always served: a probe must see that the process lives, and the load is seen in the metrics. */
export const neverShed = /^\/(?:api\/v1\/queue\/)?(?:health|metrics)(?:\/|$)/;
const stream = /\/events$/;

type Reason = 'in_flight' | 'memory' | 'event_loop';

/** Answers 503 with `Retry-After` to what would make the process slow for all, or end it for want of memory. */
export function createLoadShedding(options: LoadSheddingOptions): LoadShedding {
  const {
    log,
    metrics,
    mostInFlight,
    mostBodyBytes = shareForBodies(),
    everyMs = LOOK_EVERY_MS,
    nowMs = () => performance.now(),
  } = options;
  const share = options.memoryShare ?? memoryShare;
  let inFlight = 0;
  let lasting: Reason | null = null;
  let shed = 0;
  let told = false;

  let due = nowMs() + everyMs;
  const timer = setInterval(() => {
    const now = nowMs();
    const lateMs = now - due;
    due = now + everyMs;
    lasting = share() > MOST_MEMORY ? 'memory' : lateMs > MOST_LATE_MS ? 'event_loop' : null;
    if (shed > 0 && !told) log.warn({ reason: lasting ?? 'in_flight', inFlight }, 'Load is shed');
    if (shed === 0 && told) log.info('Load is not shed any more');
    told = shed > 0;
    shed = 0;
  }, everyMs);
  timer.unref();

  return {
    handler: (req, res, next) => {
      if (neverShed.test(req.path)) return next();
      const reason = lasting ?? (inFlight >= mostInFlight ? 'in_flight' : null);
      if (reason === null) {
        if (!stream.test(req.path)) {
          inFlight += 1;
          res.once('close', () => {
            inFlight -= 1;
          });
        }
        return next();
      }
      shed += 1;
      metrics.requestsShed.inc({ reason });
      const problem = overloaded();
      // Read and thrown away: a connection closed on a sender who still writes may take the answer with it.
      req.resume();
      res.set(problem.headers);
      res
        .status(problem.status)
        .type('application/problem+json')
        .send(JSON.stringify(problemBody(problem)));
    },
    bodies: createBodyBudget(mostBodyBytes, () => {
      shed += 1;
      metrics.requestsShed.inc({ reason: 'memory' });
    }),
    close: () => clearInterval(timer),
  };
}

/** Not all at once, or they come back as they went. */
function overloaded(): Problem {
  return new Problem('overloaded', { retryAfterSeconds: 1 + Math.floor(Math.random() * 3) });
}

function createBodyBudget(mostBytes: number, onRefused: () => void): BodyBudget {
  const held = new Map<string | null, number>();
  let whole = 0;
  return {
    reserve: (headers, owner, limitBytes) => {
      const size = Math.min(announced(headers), limitBytes);
      const own = held.get(owner) ?? 0;
      const share = mostBytes / (owner === null ? 8 : 4);
      // One body is let in always, however large it may be.
      if ((own > 0 && own + size > share) || (whole > 0 && whole + size > mostBytes)) {
        onRefused();
        throw overloaded();
      }
      held.set(owner, own + size);
      whole += size;
      return () => {
        whole -= size;
        const left = (held.get(owner) ?? 0) - size;
        if (left > 0) held.set(owner, left);
        else held.delete(owner);
      };
    },
  };
}

/** Bytes of the body; a body without a length may be of any. */
function announced(headers: IncomingHttpHeaders): number {
  if (headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY;
  return Number(headers['content-length'] ?? 0);
}

/** A body is there as text, as values, as what is hashed, sealed and on its way to Redis: this becomes a third of the heap. */
function shareForBodies(): number {
  return getHeapStatistics().heap_size_limit / 24;
}

/** Of the heap, or of what the container may have, whichever is nearer to its end. */
export function memoryShare(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  const constrained = process.constrainedMemory();
  const whole = constrained > 0 && constrained < Number.MAX_SAFE_INTEGER ? constrained : Number.POSITIVE_INFINITY;
  return Math.max(used / limit, process.memoryUsage.rss() / whole);
}
