import { parseConfig, variable } from '@queue-service/observability';
import { fleetConfig, redisRules } from '@queue-service/queue';
import { reportStorageConfig } from '@queue-service/report-storage';
import { z } from 'zod';

const schema = z.object({
  ...fleetConfig,
  SEGMENT_WRITE_KEY: variable.secret(),
  SEGMENT_HOST: variable.url().optional(),
  ...reportStorageConfig,
  /** Where the API is reached from outside: the links in mails begin with it. */
  PUBLIC_URL: variable.url().optional(),
});

/** @throws ConfigError with every problem at once */
export function readConfig(env: Record<string, string | undefined>) {
  return parseConfig(schema, env, redisRules);
}
