import type { Readable } from 'node:stream';
import { fieldProblems, type ProblemCode } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import type { z } from 'zod';
import type { Access, Actor } from '../auth/access.ts';
import { Problem } from './problem.ts';
import type { RequestTrace } from './request-trace.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Everything of a service's own paths starts with this. */
export const BASE_PATH = '/api/v1/queue';

/** A body that is not JSON, by its media type; the handler may name a more precise one. */
export interface TextAnswer {
  readonly mediaType: string;
}

/** A body that is sent as it comes, by its media type; the handler may name a more precise one. */
export interface StreamAnswer {
  readonly mediaType: string;
  /** What it may be instead; the handler then names which. */
  readonly otherMediaTypes?: readonly string[];
  readonly stream: true;
}

/** What a status answers with: JSON by a schema, text, a stream, or nothing. */
export type Answer = z.ZodType | TextAnswer | StreamAnswer | null;
export type Answers = Readonly<Record<number, Answer>>;

type AnswerBody<A extends Answer> = A extends z.ZodType
  ? z.input<A>
  : A extends StreamAnswer
    ? Readable
    : A extends TextAnswer
      ? string
      : undefined;

/** What a handler answers: one of the statuses that its route declares, with the body that belongs to it. */
export type Reply<R extends Answers> = {
  [Status in keyof R & number]: {
    readonly status: Status;
    readonly body: AnswerBody<R[Status]>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof R & number];

export type BodyOutcome<Body> = { ok: true; value: Body } | { ok: false; problem: Problem };

/** How the JSON body of a route is checked. */
export interface BodySpec<Body> {
  /** For the documentation. */
  readonly schema: z.ZodType;
  /** @param bytes size of the body as sent, decompressed */
  readonly read: (raw: unknown, bytes: number) => BodyOutcome<Body>;
  /** `read` gets the bytes as they came: a signature is over them. */
  readonly raw?: { readonly signature: string };
  /** Largest body in bytes, where it is less than what the service takes. */
  readonly limitBytes?: number;
  /** Most fields and list elements in all. Default 10,000. */
  readonly members?: number;
}

/** A body that one schema checks. */
export function jsonBody<Schema extends z.ZodType>(
  schema: Schema,
  options: { members?: number } = {},
): BodySpec<z.output<Schema>> {
  const read = (raw: unknown): BodyOutcome<z.output<Schema>> => {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return { ok: true, value: parsed.data };
    return { ok: false, problem: new Problem('validation_failed', { errors: fieldProblems(parsed.error) }) };
  };
  return { schema, read, ...options };
}

/** What a handler is given: everything parsed, checked and allowed. It never sees Express. */
export interface Call<A extends Access, Params, Query, Headers, Body> {
  readonly actor: A extends 'public' | 'metrics' ? Actor | null : Actor;
  readonly params: Params;
  readonly query: Query;
  readonly headers: Headers;
  readonly body: Body;
  readonly requestId: string;
  readonly trace: RequestTrace;
  readonly log: Logger;
}

/** One row of the API table: what it takes, who may call it and what it answers, in one place. */
export interface RouteSpec<A extends Access, Params, Query, Headers, Body, R extends Answers> {
  readonly method: Method;
  /** Below {@link BASE_PATH}, as Express writes it: `/jobs/:id`. */
  readonly path: string;
  /** For the few that stand at the root of the server. */
  readonly atRoot?: boolean;
  readonly access: A;
  readonly summary: string;
  /** A path whose parameters do not fit names nothing: 404. */
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  /** By their usual spelling; others are not looked at. */
  readonly headers?: z.ZodObject & z.ZodType<Headers>;
  readonly body?: BodySpec<Body>;
  readonly answers: R;
  /** Problems of its own, besides those that every route of its kind may answer. */
  readonly problems?: readonly ProblemCode[];
  handler(call: Call<A, Params, Query, Headers, Body>): Reply<NoInfer<R>> | Promise<Reply<NoInfer<R>>>;
}

/** A reply whose route no longer matters. */
export interface AnyReply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A route in its general shape, as it is mounted, documented and tested by table. */
export interface Route extends Omit<RouteSpec<Access, unknown, unknown, unknown, unknown, Answers>, 'handler'> {
  /** Full path, as Express writes it. */
  readonly fullPath: string;
  handler(call: Call<Access, unknown, unknown, unknown, unknown>): AnyReply | Promise<AnyReply>;
}

/** Declares a route. Validation, authorization, documentation and the table test all derive from it. */
export function route<
  A extends Access,
  const R extends Answers,
  Params = undefined,
  Query = undefined,
  Headers = undefined,
  Body = undefined,
>(spec: RouteSpec<A, Params, Query, Headers, Body, R>): Route {
  // The types of what the handler gets are those of the schemas beside it, which is all that the mount relies on.
  return { ...(spec as unknown as Omit<Route, 'fullPath'>), fullPath: `${spec.atRoot ? '' : BASE_PATH}${spec.path}` };
}

export function isTextAnswer(answer: Answer): answer is TextAnswer {
  return answer !== null && 'mediaType' in answer && !('stream' in answer);
}

export function isStreamAnswer(answer: Answer): answer is StreamAnswer {
  return answer !== null && 'mediaType' in answer && 'stream' in answer;
}
