import { z } from 'zod';
import { parseStorageUrl } from './storage-url.ts';

/** Spread into a process's schema. */
export const reportStorageConfig = {
  /** `file:///folder` or `s3://bucket/prefix?region=…&endpoint=…`. Without it there are no reports. */
  REPORT_STORAGE_URL: z
    .string()
    .transform((text, context) => {
      try {
        return parseStorageUrl(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    })
    .optional(),
};
