import { type JobEvent, type JobType, jobEventSchemas } from '#contracts';
import { ProblemError } from './errors.ts';
import { readEventStream } from './event-stream.ts';
import type { JobOf } from './jobs.ts';
import type { Timing } from './pauses.ts';
import { type Open, parseJson } from './transport.ts';

/** What happens to a job. `id` is null where a stream cannot be resumed: its first status, and its end. */
export type JobEventOf<Type extends JobType = JobType> = { readonly id: string | null } & (
  | Exclude<JobEvent, { event: 'end' }>
  | { readonly event: 'end'; readonly data: { readonly job: JobOf<Type> } }
);

export interface EventOptions {
  /** The `id` of an event: what came after it, and not the whole story. */
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
}

export interface StreamParts {
  readonly open: Open;
  readonly timing: Timing;
  readonly longestSilenceMs: number;
}

/** Where a stream stands; kept from one connection to the next. */
export interface Position {
  lastEventId: string | undefined;
  /** What the service asks for between two connections. */
  retryMs: number;
}

/** Events until the end, over as many connections as it takes. */
export async function* jobEvents<Type extends JobType>(
  parts: StreamParts,
  path: string,
  { lastEventId, signal }: EventOptions,
): AsyncGenerator<JobEventOf<Type>, void, undefined> {
  const position: Position = { lastEventId, retryMs: 1_000 };
  for (;;) {
    for await (const event of oneStream<Type>(parts, path, position, signal)) {
      yield event;
      if (event.event === 'end') return;
    }
    signal?.throwIfAborted();
    // Those that were cut off together do not come back together.
    await parts.timing.sleep(position.retryMs * (1 + parts.timing.random()), signal);
  }
}

/**
 * The events of one connection: until the end, or until it is lost.
 * @throws ProblemError, or what fetch throws, when there is no stream; the reason of the signal
 */
export async function* oneStream<Type extends JobType>(
  { open, longestSilenceMs }: StreamParts,
  path: string,
  position: Position,
  signal: AbortSignal | undefined,
  maxTries?: number,
): AsyncGenerator<JobEventOf<Type>, void, undefined> {
  const left = new AbortController();
  try {
    const response = await open({
      path: `${path}/events`,
      accept: 'text/event-stream, application/problem+json',
      lastEventId: position.lastEventId,
      signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
      ...(maxTries === undefined ? {} : { maxTries }),
    });
    if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
      throw new ProblemError(response.status, undefined);
    }
    for await (const message of readEventStream(untilSilent(response.body, longestSilenceMs))) {
      position.retryMs = message.retryMs ?? position.retryMs;
      const event = eventOf<Type>(message.event, message.data, message.id, response.status);
      if (event === null) continue;
      yield event;
      // Taken by whoever reads: it need not be told again.
      position.lastEventId = message.id ?? position.lastEventId;
    }
  } finally {
    left.abort();
  }
}

/** What arrives until the connection ends, in whatever way, or nothing has come for too long. */
async function* untilSilent(body: ReadableStream<Uint8Array>, longestSilenceMs: number): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), longestSilenceMs);
    });
    const part = await Promise.race([reader.read().catch(() => undefined), silence]);
    clearTimeout(timer);
    if (part?.value === undefined) return;
    yield part.value;
  }
}

/** Null for what this version does not know. @throws ProblemError for what does not look as it should */
function eventOf<Type extends JobType>(
  event: string,
  data: string,
  id: string | undefined,
  status: number,
): JobEventOf<Type> | null {
  if (data === '' || !Object.hasOwn(jobEventSchemas, event)) return null;
  const parsed = jobEventSchemas[event as JobEvent['event']].safeParse(parseJson(data));
  if (!parsed.success) throw new ProblemError(status, undefined);
  return { event, data: parsed.data, id: id ?? null } as unknown as JobEventOf<Type>;
}
