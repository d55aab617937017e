import { z } from 'zod';
import { ProblemError, problemOf } from './errors.ts';
import { backoffMs, retryAfterMs, type Timing } from './pauses.ts';

export interface TransportOptions {
  /** Origin of the API, such as `https://queue.example.com`; `/api/v1/queue` is added unless it is there. */
  readonly baseUrl: string;
  /** A bearer token, or what gives a fresh one; asked before every try. */
  readonly token: string | (() => Promise<string>);
  readonly fetch?: typeof fetch;
  /** Tries of one request in all. Default 5. */
  readonly maxTries?: number;
  /** Longest `Retry-After` that is waited out, in milliseconds; beyond it the error is thrown. Default 60,000. */
  readonly maxRetryAfterMs?: number;
  /** Time for one try, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number;
}

/** What a request is, whatever its answer is read as. */
interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1/queue`. */
  readonly path: string;
  /** Members that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  /** A repeat would do it twice: not sent again when the connection was lost. */
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiRequest<Answer extends z.ZodType> extends ApiCall {
  readonly answer: Answer;
}

export interface OpenRequest {
  readonly path: string;
  /** What the answer should be; default: anything. */
  readonly accept?: string;
  readonly lastEventId?: string | undefined;
  /** Also ends the answer that is being read. */
  readonly signal?: AbortSignal | undefined;
  /** Default: that of the client. */
  readonly maxTries?: number;
}

/** What answers 204. */
export const nothing: z.ZodType<undefined> = z.undefined();

export type Send = <Answer extends z.ZodType>(request: ApiRequest<Answer>) => Promise<z.output<Answer>>;
/** A successful answer to a GET with its body unread: the time limit of a try ends where the body begins. */
export type Open = (request: OpenRequest) => Promise<Response>;

export interface Transport {
  readonly send: Send;
  readonly open: Open;
}

const API_PATH = '/api/v1/queue';

/** The one place that speaks HTTP: authentication, retries, errors. */
export function createTransport(options: TransportOptions, timing: Timing): Transport {
  const origin = options.baseUrl.replace(/\/+$/, '');
  const base = origin.endsWith(API_PATH) ? origin : `${origin}${API_PATH}`;
  const { fetch: fetching = fetch, maxRetryAfterMs = 60_000, requestTimeoutMs = 30_000 } = options;

  async function tryOnce<Read>(
    { method, path, query, body, idempotencyKey, once, signal }: ApiCall,
    headers: Readonly<Record<string, string>>,
    read: (response: Response) => Promise<Read>,
  ): Promise<Read | Refusal> {
    const token = typeof options.token === 'string' ? options.token : await options.token();
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new DOMException(`No answer within ${requestTimeoutMs} ms`, 'TimeoutError')),
      requestTimeoutMs,
    );
    let response: Response;
    let refusal: string;
    try {
      response = await fetching(`${base}${path}${queryText(query)}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would carry the token to another host.
        redirect: 'error',
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      });
      if (response.ok) return await read(response);
      refusal = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      if (once) throw error;
      return new Refusal(error, undefined);
    } finally {
      clearTimeout(timer);
    }
    const problem = problemOf(response.status, parseJson(refusal));
    if (response.status !== 429 && response.status !== 503) throw problem;
    return new Refusal(problem, retryAfterMs(response.headers.get('retry-after'), Date.now()));
  }

  async function exchange<Read>(
    call: ApiCall,
    headers: Readonly<Record<string, string>>,
    read: (response: Response) => Promise<Read>,
    maxTries = options.maxTries ?? 5,
  ): Promise<Read> {
    for (let tries = 1; ; tries += 1) {
      const outcome = await tryOnce(call, headers, read);
      if (!(outcome instanceof Refusal)) return outcome;
      const { reason, askedMs } = outcome;
      if (tries >= maxTries || (askedMs ?? 0) > maxRetryAfterMs) throw reason;
      // Not before the service asks us back, and not all producers at the same moment.
      const pauseMs = (askedMs ?? 0) + backoffMs(tries - 1, 200, 10_000, timing.random());
      await timing.sleep(pauseMs, call.signal);
    }
  }

  return {
    send: async (request) => {
      const headers = { accept: 'application/json, application/problem+json' };
      const read = async (response: Response) => ({ status: response.status, text: await response.text() });
      const { status, text } = await exchange(request, headers, read);
      const parsed = request.answer.safeParse(status === 204 ? undefined : parseJson(text));
      if (!parsed.success) throw new ProblemError(status, undefined);
      return parsed.data;
    },
    open: ({ path, accept = '*/*', lastEventId, signal, maxTries }) => {
      const headers = { accept, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
      return exchange({ method: 'GET', path, signal }, headers, async (response) => response, maxTries);
    },
  };
}

/** Why a try did not succeed although the next one may. */
class Refusal {
  readonly reason: unknown;
  readonly askedMs: number | undefined;

  constructor(reason: unknown, askedMs: number | undefined) {
    this.reason = reason;
    this.askedMs = askedMs;
  }
}

function queryText(query: ApiCall['query']): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
