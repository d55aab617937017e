import { type ProblemCode, problemCodes } from '@queue-service/contracts';
import { neverShed } from '../http/load-shedding.ts';
import type { Route } from '../http/route.ts';

/** Every problem that a route may answer: its own, and those that follow from what it takes and who may call it. */
export function problemsOf(route: Route): ProblemCode[] {
  const open = route.access === 'public';
  const codes: ProblemCode[] = [
    ...(route.problems ?? []),
    // Text that cannot be stored and broken percent-encoding are refused in any path and query.
    'validation_failed',
    'internal_error',
    ...(neverShed.test(route.path) ? [] : (['overloaded'] as const)),
    ...(open ? [] : (['unauthorized', 'forbidden', 'rate_limited', 'identity_unavailable'] as const)),
    ...(route.params === undefined ? [] : (['not_found'] as const)),
    ...(route.body === undefined ? [] : (['body_too_large', 'request_timeout'] as const)),
    ...(route.body === undefined || route.body.raw !== undefined
      ? []
      : (['malformed_json', 'unsupported_media_type'] as const)),
  ];
  return [...new Set(codes)].sort((a, b) => problemCodes[a].status - problemCodes[b].status || (a < b ? -1 : 1));
}
