import { type FieldProblem, fieldProblems } from '@queue-service/contracts';
import type { Request } from 'express';
import { isStorable } from './hostile-input.ts';
import { Problem } from './problem.ts';
import type { Route } from './route.ts';

/** The parts of a request besides its body, parsed. */
export interface RequestParts {
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
}

/** @throws Problem `not_found` for a path that can name nothing, `validation_failed` with every bad field */
export function parseParts(route: Route, req: Request): RequestParts {
  const params = route.params?.safeParse(req.params);
  if (params?.success === false) throw new Problem('not_found');
  const query = parseQuery(route, req);
  const headers = parseHeaders(route, req);
  const errors = [...query.errors, ...headers.errors];
  if (errors.length > 0) throw new Problem('validation_failed', { errors });
  return { params: params?.data, query: query.value, headers: headers.value };
}

interface Parsed {
  value?: unknown;
  errors: FieldProblem[];
}

function parseQuery(route: Route, req: Request): Parsed {
  const given: Record<string, unknown> = { ...req.query };
  const errors = Object.entries(given)
    .filter(([key, value]) => !isStorable(key) || (typeof value === 'string' && !isStorable(value)))
    .map(([path]) => ({ path, message: 'has a NUL character or half a surrogate pair', code: 'invalid_text' }));
  if (errors.length > 0 || route.query === undefined) return { errors };
  return outcome(route.query.safeParse(given));
}

function parseHeaders(route: Route, req: Request): Parsed {
  if (route.headers === undefined) return { errors: [] };
  const names = Object.keys(route.headers.shape);
  const given = names.flatMap((name) => {
    const value = req.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return outcome(route.headers.safeParse(Object.fromEntries(given)));
}

function outcome(parsed: ReturnType<NonNullable<Route['query']>['safeParse']>): Parsed {
  return parsed.success ? { value: parsed.data, errors: [] } : { errors: fieldProblems(parsed.error) };
}
