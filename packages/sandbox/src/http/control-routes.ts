import { type Request, type Response, Router } from 'express';
import type { SandboxClock } from './clock.ts';
import type { FaultMatch, FaultRule, RandomFaults } from './faults.ts';
import type { Provider } from './provider.ts';
import { readBody } from './request.ts';

/** A bad control request; answered 400 with its message. */
class ControlError extends Error {}

/**
 * `/_sandbox/*`: what tests in other processes use.
 * - `POST faults` `{provider?, match?: {method, path, pathPattern, bodyIncludes}, times?, after?, do}` → `{id}`;
 *   `{provider?, random: {seed, rates}}` draws faults at random
 * - `DELETE faults` `?provider=&id=`; `GET faults`; `POST gates/<gate>/release`
 * - `GET effects` `?provider=&kind=&jobId=` → `{<provider>: {counts, effects}}`
 * - `POST clock` `{advanceMs}` → `{now}`; `POST reset` `?provider=`
 * - `POST <provider>/<control>`: the provider's own controls
 */
export function controlRoutes(providers: readonly Provider[], clock: SandboxClock, changed: () => void): Router {
  const router = Router();
  const handle =
    (work: (req: Request, body: Record<string, unknown>) => unknown) => async (req: Request, res: Response) => {
      try {
        const result = await work(req, await jsonBody(req));
        changed();
        res.json(result ?? {});
      } catch (error) {
        res.status(400).json({ error: error instanceof Error ? error.message : String(error) });
      }
    };

  router.post(
    '/faults',
    handle((_req, body) => addFaults(providers, body)),
  );
  router.get(
    '/faults',
    handle((req) => Object.fromEntries(chosen(providers, req).map((p) => [p.name, p.faults.list()]))),
  );
  router.delete(
    '/faults',
    handle((req) => removeFaults(chosen(providers, req), req.query['id'])),
  );
  router.post(
    '/gates/:gate/release',
    handle((req) => {
      for (const provider of providers) provider.faults.release(String(req.params['gate']));
    }),
  );
  router.get(
    '/effects',
    handle((req) => {
      const filter = { kind: text(req.query['kind']), jobId: text(req.query['jobId']) };
      return Object.fromEntries(
        chosen(providers, req).map((p) => [
          p.name,
          { counts: p.effects.counts(filter), effects: p.effects.list(filter) },
        ]),
      );
    }),
  );
  router.get(
    '/clock',
    handle(() => ({ now: clock.now() })),
  );
  router.post(
    '/clock',
    handle((_req, body) => {
      clock.advance(Number(body['advanceMs']));
      return { now: clock.now() };
    }),
  );
  router.post(
    '/reset',
    handle((req) => {
      for (const provider of chosen(providers, req)) provider.reset();
    }),
  );
  router.get(
    '/inbox',
    handle((req) => Object.fromEntries(chosen(providers, req).map((p) => [p.name, p.inbox()]))),
  );
  router.post(
    '/:provider/:control',
    handle(async (req, body) => {
      const provider = named(providers, String(req.params['provider']));
      const control = provider.controls[String(req.params['control'])];
      if (!control) {
        throw new ControlError(
          `${provider.name} has no control ${req.params['control']}; it has ${Object.keys(provider.controls).join(', ')}`,
        );
      }
      return await control(body);
    }),
  );
  return router;
}

async function jsonBody(req: Request): Promise<Record<string, unknown>> {
  const raw = await readBody(req);
  if (raw.length === 0) return {};
  const parsed: unknown = JSON.parse(raw.toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new ControlError('body must be a JSON object');
  return parsed as Record<string, unknown>;
}

function named(providers: readonly Provider[], name: string): Provider {
  const provider = providers.find((candidate) => candidate.name === name);
  if (!provider) throw new ControlError(`no provider ${name}; there are ${providers.map((p) => p.name).join(', ')}`);
  return provider;
}

function chosen(providers: readonly Provider[], req: Request): readonly Provider[] {
  const name = text(req.query['provider']);
  return name === undefined ? providers : [named(providers, name)];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function addFaults(providers: readonly Provider[], body: Record<string, unknown>): { id?: string } {
  const provider = body['provider'] === undefined && providers.length === 1 ? providers[0] : undefined;
  const target = provider ?? named(providers, String(body['provider']));
  if (body['random'] !== undefined) {
    const random = body['random'] as RandomFaults;
    target.faults.random({ ...random, ...(random.match ? { match: toMatch(random.match) } : {}) });
    return {};
  }
  const rule = body as unknown as FaultRule;
  if (typeof rule.do?.kind !== 'string') throw new ControlError('do.kind is missing');
  const added: FaultRule = { do: rule.do };
  if (rule.match) added.match = toMatch(rule.match);
  if (rule.times !== undefined) added.times = rule.times;
  if (rule.after !== undefined) added.after = rule.after;
  return { id: target.faults.add(added) };
}

function toMatch(match: FaultMatch & { pathPattern?: string }): FaultMatch {
  const { pathPattern, ...rest } = match;
  return pathPattern === undefined ? rest : { ...rest, path: new RegExp(pathPattern) };
}

function removeFaults(providers: readonly Provider[], id: unknown): void {
  for (const provider of providers) {
    if (typeof id === 'string') provider.faults.remove(id);
    else provider.faults.clear();
  }
}
