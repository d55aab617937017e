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

export interface ApiRequest<Answer extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1/queue`. */
  readonly path: string;
  /** Members that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly answer: Answer;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  /** A repeat would do it twice: not sent again when the connection was lost. */
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What answers 204. */
export const nothing: z.ZodType<undefined> = z.undefined();

export type Send = <Answer extends z.ZodType>(request: ApiRequest<Answer>) => Promise<z.output<Answer>>;

const API_PATH = '/api/v1/queue';

/** The one place that speaks HTTP: authentication, retries, errors. */
export function createTransport(options: TransportOptions, timing: Timing): Send {
  const origin = options.baseUrl.replace(/\/+$/, '');
  const base = origin.endsWith(API_PATH) ? origin : `${origin}${API_PATH}`;
  const { fetch: fetching = fetch, maxTries = 5, maxRetryAfterMs = 60_000, requestTimeoutMs = 30_000 } = options;

  async function tryOnce<Answer extends z.ZodType>(request: ApiRequest<Answer>): Promise<z.output<Answer> | Refusal> {
    const { method, path, query, answer, body, idempotencyKey, once, signal } = request;
    const token = typeof options.token === 'string' ? options.token : await options.token();
    const timeout = AbortSignal.timeout(requestTimeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await fetching(`${base}${path}${queryText(query)}`, {
        method,
        headers: {
          accept: 'application/json, application/problem+json',
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would carry the token to another host.
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      if (once) throw error;
      return new Refusal(error, undefined);
    }
    const content = response.status === 204 ? undefined : parseJson(text);
    if (response.ok) {
      const parsed = answer.safeParse(content);
      if (!parsed.success) throw new ProblemError(response.status, undefined);
      return parsed.data;
    }
    const problem = problemOf(response.status, content);
    if (response.status !== 429 && response.status !== 503) throw problem;
    return new Refusal(problem, retryAfterMs(response.headers.get('retry-after'), Date.now()));
  }

  return async (request) => {
    for (let tries = 1; ; tries += 1) {
      const outcome = await tryOnce(request);
      if (!(outcome instanceof Refusal)) return outcome;
      const { reason, askedMs } = outcome;
      if (tries >= maxTries || (askedMs ?? 0) > maxRetryAfterMs) throw reason;
      // Not before the service asks us back, and not all producers at the same moment.
      const pauseMs = (askedMs ?? 0) + backoffMs(tries - 1, 200, 10_000, timing.random());
      await timing.sleep(pauseMs, request.signal);
    }
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

function queryText(query: ApiRequest<z.ZodType>['query']): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
