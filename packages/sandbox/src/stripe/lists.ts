import { badParameter, missing } from './errors.ts';
import type { Params } from './params.ts';

export const LIST_PARAMS = ['limit', 'starting_after', 'ending_before', 'created'] as const;

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

interface Row {
  id: string;
  created: number;
}

/** A page of rows, newest first, with `limit`, `starting_after`, `ending_before` and `created`. `rows` come oldest first. */
export function page<T extends Row>(rows: readonly T[], params: Params, url: string) {
  const limit = params.integer('limit') ?? DEFAULT_LIMIT;
  if (limit < 1 || limit > MAX_LIMIT) {
    throw badParameter(
      limit < 1
        ? 'This value must be greater than or equal to 1.'
        : `This value must be less than or equal to ${MAX_LIMIT} (it currently is '${limit}').`,
      'limit',
      'parameter_invalid_integer',
    );
  }
  const inRange = createdFilter(params);
  const newest = rows.filter((row) => inRange(row.created)).toReversed();
  const after = params.text('starting_after');
  const before = params.text('ending_before');
  if (after !== undefined && before !== undefined) {
    throw badParameter('You cannot parameterize both starting_after and ending_before.', 'ending_before');
  }
  if (before !== undefined) {
    const end = cursor(newest, before, 'ending_before');
    const start = Math.max(0, end - limit);
    return list(newest.slice(start, end), start > 0, url);
  }
  const start = after === undefined ? 0 : cursor(newest, after, 'starting_after') + 1;
  return list(newest.slice(start, start + limit), newest.length > start + limit, url);
}

export function list<T>(data: T[], hasMore: boolean, url: string) {
  return { object: 'list' as const, data, has_more: hasMore, url };
}

function cursor(rows: readonly Row[], id: string, param: string): number {
  const index = rows.findIndex((row) => row.id === id);
  if (index < 0) throw missing('object', id, { param, inPath: false });
  return index;
}

/** `created=1` or `created[gte]=1&created[lt]=2`. */
function createdFilter(params: Params): (created: number) => boolean {
  if (!params.has('created')) return () => true;
  if (params.isText('created')) {
    const exactly = params.integer('created');
    return (created) => created === exactly;
  }
  const range = params.hash('created', ['gt', 'gte', 'lt', 'lte']);
  const gt = range?.integer('gt') ?? Number.NEGATIVE_INFINITY;
  const gte = range?.integer('gte') ?? Number.NEGATIVE_INFINITY;
  const lt = range?.integer('lt') ?? Number.POSITIVE_INFINITY;
  const lte = range?.integer('lte') ?? Number.POSITIVE_INFINITY;
  return (created) => created > gt && created >= gte && created < lt && created <= lte;
}
