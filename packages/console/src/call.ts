import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { createQueueClient, type QueueClient } from '@queue-service/client';
import type { Request, RequestHandler, Response } from 'express';
import { type Content, html } from './html.ts';
import { page } from './layout.ts';
import { cookieOf, type Session, type Sessions } from './login/sessions.ts';
import { problemPage } from './problem-page.ts';

/** One request of somebody who is logged in. */
export interface Call {
  readonly session: Session;
  readonly client: QueueClient;
  /** A parameter of the path. */
  param(name: string): string;
  /** A parameter of the query; empty ones are not there. */
  query(name: string): string | undefined;
  /** Parameters of the query as the query of a list of the API, which checks them. */
  filters<Query>(...names: readonly string[]): Query;
  /** A field of the posted form, trimmed; empty ones are not there. */
  field(name: string): string | undefined;
  readonly nowMs: number;
}

export interface View {
  readonly title: string;
  /** Default 200. */
  readonly status?: number;
  readonly body: Content;
}

/** Where to go on after a change, and what to tell there. */
export interface Done {
  readonly to: string;
  readonly told: string;
  /** The change did not do what was asked for. */
  readonly failed?: boolean;
}

/** Makes handlers of pages and of changes. */
export interface Handlers {
  callOf(req: Request, session: Session): Call;
  view(render: (call: Call) => Promise<View>): RequestHandler;
  change(act: (call: Call) => Promise<Done | View>): RequestHandler;
  /** Hands on a file of the API, by its path below `/api/v1/queue`. */
  file(pathOf: (call: Call) => string): RequestHandler;
}

export interface HandlerParts {
  readonly sessions: Sessions;
  /** Of the API that serves this request. */
  readonly apiUrl: (req: Request) => string;
  readonly nowMs: () => number;
}

const noticeCookie = 'queue_console_notice';
const noticeOptions = { httpOnly: true, sameSite: 'strict', path: '/admin', maxAge: 60_000 } as const;

export function createHandlers({ sessions, apiUrl, nowMs }: HandlerParts): Handlers {
  const callOf = (req: Request, session: Session): Call => {
    const client = createQueueClient({
      baseUrl: apiUrl(req),
      token: session.token,
      // Somebody waits for the page: an error now is better than an answer in a minute.
      maxTries: 2,
      maxRetryAfterMs: 1_000,
      requestTimeoutMs: 15_000,
    });
    return {
      session,
      client,
      param: (name) => String(req.params[name]),
      query: (name) => textOf(req.query[name]),
      filters: <Query>(...names: readonly string[]) =>
        Object.fromEntries([...names, 'cursor'].map((name) => [name, textOf(req.query[name])])) as Query,
      field: (name) => textOf((req.body as Record<string, unknown> | undefined)?.[name]),
      nowMs: nowMs(),
    };
  };

  const handler =
    (serve: (call: Call, req: Request, res: Response) => Promise<void>): RequestHandler =>
    async (req, res) => {
      const session = await sessions.current(req, res);
      if (session === null) {
        // What was about to be changed has to be looked at again.
        const next = req.method === 'GET' ? `?next=${encodeURIComponent(req.originalUrl)}` : '';
        res.redirect(303, `/admin/login${next}`);
        return;
      }
      try {
        await serve(callOf(req, session), req, res);
      } catch (error) {
        const { status, title, body } = problemPage(error);
        // For the log line of the request.
        if (status >= 500) Object.assign(res, { err: error });
        send(req, res, session, { title, body, status }, null);
      }
    };

  return {
    callOf,
    view: (render) =>
      handler(async (call, req, res) => send(req, res, call.session, await render(call), takeNotice(req, res))),
    change: (act) =>
      handler(async (call, req, res) => {
        const outcome = await act(call);
        if ('body' in outcome) {
          send(req, res, call.session, outcome, null);
          return;
        }
        const { to, told, failed = false } = outcome;
        res.cookie(noticeCookie, encodeURIComponent(JSON.stringify({ kind: failed ? 'bad' : 'good', text: told })), {
          ...noticeOptions,
          encode: String,
        });
        res.redirect(303, to);
      }),
    file: (pathOf) =>
      handler(async (call, req, res) => {
        const answer = await fetch(`${apiUrl(req)}/api/v1/queue${pathOf(call)}`, {
          headers: { authorization: `Bearer ${call.session.token}` },
        });
        if (!answer.ok || answer.body === null) {
          const body = html`<h1>No file</h1><p>It is not there, or not any more.</p>`;
          send(req, res, call.session, { title: 'No file', status: answer.status, body }, null);
          return;
        }
        for (const name of ['Content-Type', 'Content-Length', 'Content-Disposition']) {
          const value = answer.headers.get(name);
          if (value !== null) res.setHeader(name, value);
        }
        await pipeline(Readable.fromWeb(answer.body as ReadableStream), res);
      }),
  };
}

function send(req: Request, res: Response, session: Session, view: View, notice: Notice | null): void {
  const { title, body, status = 200 } = view;
  const path = req.originalUrl.split('?', 1)[0] ?? '';
  res
    .status(status)
    .type('html')
    .send(String(page({ title, body, session, path, notice })));
}

interface Notice {
  readonly kind: 'good' | 'bad';
  readonly text: string;
}

/** Told once. The cookie is set by us, but nothing of it is believed to be markup. */
function takeNotice(req: Request, res: Response): Notice | null {
  const value = cookieOf(req, noticeCookie);
  // A refresh in the background must not swallow what is meant for the eyes.
  if (value === null || req.get('X-Refresh') !== undefined) return null;
  res.clearCookie(noticeCookie, { ...noticeOptions, maxAge: undefined } as object);
  try {
    const { kind, text } = JSON.parse(decodeURIComponent(value)) as Record<string, unknown>;
    return { kind: kind === 'bad' ? 'bad' : 'good', text: String(text) };
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? undefined : text;
}
