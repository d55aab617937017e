import { opsConfig, parseConfig, requireTogether, Secret, variable } from '@queue-service/observability';
import { redisRules, serviceConfig } from '@queue-service/queue';
import { z } from 'zod';

const schema = z.object({
  ...serviceConfig,
  ...opsConfig,
  /** Whether the schedules that every installation has are made where they are missing. */
  SEED_DEFAULT_SCHEDULES: variable.boolean().default(true),
  /** An incoming webhook of Slack; whoever has it can write to the channel. */
  ALERT_SLACK_WEBHOOK_URL: variable.secretUrl(['http', 'https']).optional(),
  ALERT_PAGERDUTY_ROUTING_KEY: z
    .string()
    .regex(/^[A-Za-z0-9]{32}$/, 'must be 32 letters and digits')
    .transform((key) => new Secret(key))
    .optional(),
  ALERT_PAGERDUTY_URL: variable.url().default('https://events.pagerduty.com/v2/enqueue'),
  ALERT_WEBHOOK_URL: variable.secretUrl(['http', 'https']).optional(),
  /** As Standard Webhooks writes it. */
  ALERT_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'must be whsec_ and 24 to 64 bytes in base64')
    .transform((secret) => new Secret(secret))
    .optional(),
});

/** @throws ConfigError with every problem at once */
export function readConfig(env: Record<string, string | undefined>) {
  return parseConfig(schema, env, [...redisRules, requireTogether('ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET')]);
}
