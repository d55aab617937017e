import { idempotencyKeySchema } from '@queue-service/contracts';
import { z } from 'zod';
import { Problem } from '../http/problem.ts';

export const idempotencyHeaders = z.object({
  'Idempotency-Key': idempotencyKeySchema.optional().describe('The same key with the same body makes nothing twice'),
});

/** The key of a request, from its header or its body. @throws Problem `validation_failed` when the two differ */
export function idempotencyKeyOf(
  headers: z.output<typeof idempotencyHeaders>,
  inBody: string | undefined,
): string | null {
  const inHeader = headers['Idempotency-Key'];
  if (inHeader !== undefined && inBody !== undefined && inHeader !== inBody) {
    const message = 'differs from the header Idempotency-Key';
    const errors = [{ path: 'options.idempotencyKey', message, code: 'conflicting_keys' }];
    throw new Problem('validation_failed', { errors });
  }
  return inHeader ?? inBody ?? null;
}

/** Stands beside an answer that was given before. */
export const REPLAYED = { 'Idempotent-Replayed': 'true' } as const;

export function keyReused(what: 'job' | 'flow', id: string): Problem {
  return new Problem('idempotency_key_reused', {
    detail: `The key belongs to the ${what} ${id}, made from another body`,
  });
}
