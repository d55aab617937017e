import { parseConfig, variable } from '@queue-service/observability';
import { fleetConfig } from '@queue-service/queue';
import { z } from 'zod';
import { parseStorageUrl } from './reports/storage/storage-url.ts';

const schema = z.object({
  ...fleetConfig,
  SEGMENT_WRITE_KEY: variable.secret(),
  SEGMENT_HOST: variable.url().optional(),
  /** `file:///folder` or `s3://bucket/prefix?region=…&endpoint=…`. Without it reports are refused. */
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
  /** Where the API is reached from outside: the links in mails begin with it. */
  PUBLIC_URL: variable.url().optional(),
});

/** @throws ConfigError with every problem at once */
export function readConfig(env: Record<string, string | undefined>) {
  return parseConfig(schema, env);
}
