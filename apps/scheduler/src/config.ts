import { opsConfig, parseConfig } from '@queue-service/observability';
import { serviceConfig } from '@queue-service/queue';
import { z } from 'zod';

const schema = z.object({ ...serviceConfig, ...opsConfig });

/** @throws ConfigError with every problem at once */
export function readConfig(env: Record<string, string | undefined>) {
  return parseConfig(schema, env);
}
