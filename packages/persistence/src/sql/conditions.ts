/** A place in a list that is ordered by creation, newest first. */
export interface ListPosition {
  /** ISO 8601. */
  createdAt: string;
  id: string;
}

export interface ListFilter {
  tenantId: string | null;
  queue?: string | undefined;
  type?: string | undefined;
  status?: string | undefined;
  /** Of dead letters alone. */
  reason?: string | undefined;
  code?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

/**
 * The WHERE of a list, with only the conditions that are asked for: each combination is a statement of its own, so that
 * the planner sees which index serves it. `name` tells the combinations apart.
 */
export function conditions(
  alias: string,
  filter: ListFilter,
  after: ListPosition | null,
): { name: string; text: string; values: unknown[] } {
  const parts: { name: string; text: (n: number) => string; values: unknown[] }[] = [];
  const add = (name: string, value: unknown, text: (n: number) => string) => {
    if (value !== undefined && value !== null) parts.push({ name, text, values: [value] });
  };
  add('tenant', filter.tenantId, (n) => `${alias}.tenant_id = $${n}`);
  add('queue', filter.queue, (n) => `${alias}.queue = $${n}`);
  add('type', filter.type, (n) => `${alias}.type = $${n}`);
  add('status', filter.status, (n) => `${alias}.status = $${n}`);
  add('reason', filter.reason, (n) => `${alias}.reason = $${n}`);
  add('code', filter.code, (n) => `${alias}.error ->> 'code' = $${n}`);
  add('from', filter.from, (n) => `${alias}.created_at >= $${n}`);
  add('to', filter.to, (n) => `${alias}.created_at < $${n}`);
  if (after !== null) {
    parts.push({
      name: 'after',
      text: (n) => `(${alias}.created_at, ${alias}.id) < ($${n}::timestamptz, $${n + 1}::uuid)`,
      values: [after.createdAt, after.id],
    });
  }
  let n = 1;
  const texts = parts.map((part) => {
    const text = part.text(n);
    n += part.values.length;
    return text;
  });
  return {
    name: parts.map((part) => part.name).join('-') || 'all',
    text: texts.length === 0 ? '' : `WHERE ${texts.join(' AND ')}`,
    values: parts.flatMap((part) => part.values),
  };
}
