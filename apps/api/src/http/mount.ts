import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Request, type Response, Router } from 'express';
import type { Guard } from '../auth/access.ts';
import { readJsonBody } from './json-body.ts';
import type { BodyBudget } from './load-shedding.ts';
import { Problem } from './problem.ts';
import { readRawBody } from './raw-body.ts';
import type { FactsOfRequests } from './request-facts.ts';
import { requestIdOf } from './request-log.ts';
import { requestTrace } from './request-trace.ts';
import { type AnyReply, isStreamAnswer, isTextAnswer, type Route } from './route.ts';
import { parseParts } from './validate-request.ts';

export interface MountOptions {
  readonly guard: Guard;
  readonly facts: FactsOfRequests;
  /** Largest body, in bytes. */
  readonly bodyLimitBytes: number;
  readonly bodies?: BodyBudget | undefined;
}

/** No contract nests deeper than a handful of levels; free-form data may. */
const DEEPEST_BODY = 32;
const MOST_MEMBERS = 10_000;

/** All routes as one router: each takes its request through the same steps, and other methods on their paths are refused. */
export function mount(routes: readonly Route[], options: MountOptions): Router {
  const router = Router();
  for (const route of routes) {
    router[route.method](route.fullPath, async (req, res) => {
      await serve(route, req, res, options);
    });
  }
  // After all of them, as `/dead-letters/redrive` also looks like a `/dead-letters/:id`.
  for (const [path, methods] of methodsByPath(routes)) {
    const allow = [...methods, 'OPTIONS'].join(', ');
    router.all(path, (req, res) => {
      res.set('Allow', allow);
      if (req.method !== 'OPTIONS') throw new Problem('method_not_allowed', { detail: `Allowed are ${allow}` });
      res.status(204).end();
    });
  }
  return router;
}

/** Who you are before what you say: nobody without a token makes us read a body. */
async function serve(route: Route, req: Request, res: Response, options: MountOptions): Promise<void> {
  const facts = options.facts.of(res);
  facts.route = route.fullPath;
  const actor = await options.guard.authorize(route.access, req, res);
  if (actor !== null) Object.assign(facts, { principal: actor.principal, tenantId: actor.tenantId });
  const parts = parseParts(route, req);
  const reply = await route.handler({
    ...parts,
    actor,
    body: route.body === undefined ? undefined : await bodyOf(route.body, req, res, options, actor?.tenantId ?? null),
    requestId: requestIdOf(req),
    trace: requestTrace(req),
    log: req.log,
  });
  await send(route, reply, res);
}

async function bodyOf(
  spec: NonNullable<Route['body']>,
  req: Request,
  res: Response,
  { bodyLimitBytes, bodies }: MountOptions,
  owner: string | null,
): Promise<unknown> {
  // Whoever does not even claim to be the provider is not listened to.
  if (spec.raw !== undefined && req.get(spec.raw.signature) === undefined) throw new Problem('invalid_signature');
  const limitBytes = Math.min(spec.limitBytes ?? bodyLimitBytes, bodyLimitBytes);
  const release = bodies?.reserve(req.headers, owner, limitBytes);
  // The connection ends with the answer: what is still on its way of a body that is too slow is not waited for.
  const cut = setTimeout(() => req.destroy(new Problem('request_timeout')), slowestMs(owner));
  try {
    const limits = { bytes: limitBytes, depth: DEEPEST_BODY, members: spec.members ?? MOST_MEMBERS };
    const raw = spec.raw === undefined ? null : await readRawBody(req, res, limitBytes);
    const { value, bytes } = raw === null ? await readJsonBody(req, res, limits) : { value: raw, bytes: raw.length };
    clearTimeout(cut);
    const checked = spec.read(value, bytes);
    if (!checked.ok) throw checked.problem;
    // As values it is larger still: given back with the answer.
    if (release !== undefined) res.once('close', release);
    return checked.value;
  } catch (error) {
    release?.();
    throw error;
  } finally {
    clearTimeout(cut);
  }
}

/** How long a body may take to arrive; that of a known sender may be large. */
function slowestMs(owner: string | null): number {
  return owner === null ? 5_000 : 25_000;
}

async function send(route: Route, reply: AnyReply, res: Response): Promise<void> {
  res.status(reply.status);
  const answer = route.answers[reply.status] ?? null;
  if (answer === null) {
    res.set(reply.headers ?? {}).end();
  } else if (isStreamAnswer(answer)) {
    res.type(answer.mediaType).set(reply.headers ?? {});
    res.flushHeaders();
    // A client that goes away ends the source; a source that fails leaves half an answer, which must not look whole.
    await pipeline(reply.body as Readable, res).catch((error: unknown) => {
      if (!res.destroyed || !isGone(error)) throw error;
    });
  } else if (isTextAnswer(answer)) {
    res
      .type(answer.mediaType)
      .set(reply.headers ?? {})
      .send(reply.body);
  } else {
    res.set(reply.headers ?? {}).json(reply.body);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function methodsByPath(routes: readonly Route[]): [path: string, methods: string[]][] {
  const byPath = new Map<string, string[]>();
  for (const { fullPath, method } of routes) {
    const methods = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
    byPath.set(fullPath, [...(byPath.get(fullPath) ?? []), ...methods]);
  }
  // A literal path before the pattern that it fits too.
  return [...byPath].sort(([a], [b]) => Number(a.includes(':')) - Number(b.includes(':')));
}
