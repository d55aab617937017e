import { v5, v7 } from 'uuid';

/** A new id, UUIDv7: rows made together lie together in an index. */
export function newId(): string {
  return v7();
}

/**
 * The id of an effect, UUIDv5 (RFC 9562) of its job's id and its name. It is also its key at the provider: a row that was
 * lost comes back under the same key.
 */
export function effectId(jobId: string, name: string): string {
  return v5(name, jobId);
}
