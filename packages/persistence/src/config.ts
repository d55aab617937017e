import { variable } from '@queue-service/observability';
import { z } from 'zod';
import { parseSealingKeys } from './sealing/sealer.ts';

/** Where the ledger is, and what seals it. Spread into a process's schema. */
export const databaseConfig = {
  DATABASE_URL: variable.secretUrl(['postgres', 'postgresql']),
  DATABASE_POOL_SIZE: variable.integer({ min: 1, max: 200 }).default(10),
  /** `id:base64,id:base64` of 32-byte keys; the first seals, all open. Without it personal data is stored as it is. */
  PAYLOAD_ENCRYPTION_KEYS: z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return [];
      try {
        return parseSealingKeys(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    }),
};
