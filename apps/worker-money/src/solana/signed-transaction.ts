import { z } from 'zod';

/**
 * A transaction that is signed, and stored before it is sent. Until its last block height has passed, only these bytes
 * are sent, again and again; they can take effect once.
 */
const schema = z.object({
  signature: z.string(),
  /** The block height after which it can no longer land. */
  lastValidBlockHeight: z.int(),
  /** The signed bytes, base64. */
  wire: z.base64(),
  /** Whether it is the one that gives the ticket to its owner. */
  completes: z.boolean(),
});

export type SignedTransaction = z.infer<typeof schema>;

/** What an earlier try has stored, or null. @throws ZodError when it is something else */
export function readMemo(memo: unknown): SignedTransaction | null {
  return memo === null ? null : schema.parse(memo);
}
