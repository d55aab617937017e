/** What stands where personal data was. */
export const masked = '[personal data]';

/**
 * A copy of `value` in which what lies at the paths is replaced by `replace(part)`; everything else is shared with the
 * original. Paths are dotted, `*` stands for every element or key; a path that leads nowhere is passed over.
 */
export function mapPaths(
  value: unknown,
  paths: readonly string[],
  replace: (part: unknown, path: string) => unknown,
): unknown {
  return paths.reduce((current, path) => mapPath(current, path.split('.'), '', replace), value);
}

/** `payload` with its personal data masked. */
export function maskPersonalData(payload: unknown, paths: readonly string[]): unknown {
  return mapPaths(payload, paths, () => masked);
}

function mapPath(
  value: unknown,
  [head, ...rest]: string[],
  at: string,
  replace: (part: unknown, path: string) => unknown,
): unknown {
  if (head === undefined) return value === undefined || value === null ? value : replace(value, at);
  if (typeof value !== 'object' || value === null) return value;
  const keys = head === '*' ? Object.keys(value) : Object.hasOwn(value, head) ? [head] : [];
  if (keys.length === 0) return value;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...value] as unknown as Record<string, unknown>)
    : { ...(value as Record<string, unknown>) };
  for (const key of keys) copy[key] = mapPath(copy[key], rest, at === '' ? key : `${at}.${key}`, replace);
  return copy;
}
