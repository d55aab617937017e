import { type Environment, parseConfig, variable } from '@queue-service/observability';
import { outboundConfig } from '@queue-service/outbound';
import { fleetConfig, redisRules } from '@queue-service/queue';
import { z } from 'zod';
import { readServiceAccount } from './push/service-account.ts';

/** The value that `read` makes of the text; what `read` throws becomes the problem of the variable. */
function readBy<Value>(read: (text: string) => Value) {
  return z.string().transform((text, context) => {
    try {
      return read(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'cannot be read' });
      return z.NEVER;
    }
  });
}

const mailbox = /^([^<>@]{1,100}\s<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/;
const smsSender = /^(\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11})$/;

// Every provider is needed: a fleet that lacks one would dead-letter its jobs.
const schema = z.object({
  ...fleetConfig,
  SENDGRID_API_KEY: variable.secret(),
  SENDGRID_BASE_URL: variable.url().optional(),
  SENDGRID_FROM: z.string().regex(mailbox, 'must be an address, or a name with <an address>'),
  /** The second provider, for mails that SendGrid cannot take while it is down. */
  SMTP_URL: variable.secretUrl(['smtp', 'smtps']).optional(),

  TWILIO_ACCOUNT_SID: z.string().regex(/^AC[0-9a-fA-F]{32}$/, 'must be AC and 32 hexadecimal digits'),
  TWILIO_AUTH_TOKEN: variable.secret(),
  TWILIO_FROM: z.string().regex(smsSender, 'must be an E.164 number, a messaging service (MG…) or a sender name'),
  TWILIO_BASE_URL: variable.url().optional(),
  /** The public address of `/providers/twilio/webhook`. */
  TWILIO_STATUS_CALLBACK_URL: variable.url().optional(),

  VAPID_PUBLIC_KEY: z.string().regex(/^[\w-]{86,88}$/, 'must be 65 bytes in URL-safe base64'),
  VAPID_PRIVATE_KEY: variable.secret(),
  VAPID_SUBJECT: z.string().regex(/^(mailto:\S+@\S+|https:\/\/\S+)$/, 'must be a mailto: or https:// URL'),
  /** The key of a Google service account: its JSON, or the path of a file with it. */
  FCM_SERVICE_ACCOUNT: readBy(readServiceAccount),
  FCM_BASE_URL: variable.url().optional(),
  ...outboundConfig,
});

export type CommunicationConfig = z.output<typeof schema>;

/** @throws ConfigError with every problem at once */
export function readConfig(env: Environment): CommunicationConfig {
  return parseConfig(schema, env, redisRules);
}
