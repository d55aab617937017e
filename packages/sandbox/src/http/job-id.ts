/**
 * The job id in a push message's tag: this service names notifications after their job, without the dashes.
 * @returns the id with its dashes, or null when the tag is something else
 */
export function jobIdOfTag(tag: unknown): string | null {
  if (typeof tag !== 'string' || !/^[0-9a-f]{32}$/i.test(tag)) return null;
  return tag.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toLowerCase();
}
