/**
 * One text for one JSON value: keys in code-unit order, no white space, undefined members left out (RFC 8785 in the
 * parts that matter to JSON.parse'd input). Two payloads are the same job when their texts are the same.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  );
}
