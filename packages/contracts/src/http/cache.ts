import { z } from 'zod';

export const cacheStatsSchema = z
  .object({
    name: z.enum(['jobs', 'queues']),
    entries: z.int(),
    maxEntries: z.int(),
    hits: z.int(),
    misses: z.int(),
    hitRate: z.number().describe('Hits of all reads, 0 to 1; 0 before the first'),
    maxAgeMs: z.int().describe('No answer is older'),
  })
  .describe('The read cache of the process that answers; each has its own');
export const cacheStatsAnswerSchema = z.object({ caches: z.array(cacheStatsSchema) });
export const cacheFlushAnswerSchema = z.object({ flushed: z.int().describe('Entries that were forgotten') });
