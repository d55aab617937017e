import { createHash } from 'node:crypto';

/** SHA-256 of a canonical text, hex: what tells the same request from another one under the same key. */
export function requestHash(canonical: string): string {
  return createHash('sha256').update(canonical).digest('hex');
}
