import type { Logger, Secret } from '@queue-service/observability';
import { createAddressPolicy, type EndpointRules } from '@queue-service/outbound';
import { createSchedules, type Runtime } from '@queue-service/queue';
import type { ReportStorage } from '@queue-service/report-storage';
import { type Caches, forgetting } from '../cache/caches.ts';
import { createCancel } from '../cancel.ts';
import type { Route } from '../http/route.ts';
import { createRedrive } from '../redrive.ts';
import { auditRoutes } from './audit-log.ts';
import { bookRoutes } from './books.ts';
import { cacheRoutes } from './cache.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { jobControlRoutes } from './job-control.ts';
import { jobHistoryRoutes } from './job-history.ts';
import { queueRoutes } from './queues.ts';
import { reportRoutes } from './reports.ts';
import { scheduleRoutes } from './schedules.ts';
import { sendgridWebhookRoutes } from './sendgrid-webhook.ts';
import { stripeWebhookRoutes } from './stripe-webhook.ts';
import { suppressionRoutes } from './suppressions.ts';
import { tenantAccountRoutes } from './tenant-accounts.ts';
import { tenantRoutes } from './tenants.ts';
import { type TwilioWebhook, twilioWebhookRoutes } from './twilio-webhook.ts';
import { webhookDeliveryRoutes } from './webhook-deliveries.ts';
import { webhookRoutes } from './webhooks.ts';

export interface OperatorParts {
  readonly runtime: Runtime;
  readonly caches: Caches;
  readonly log: Logger;
  /** Null where REPORT_STORAGE_URL is not set: no report can be read then. */
  readonly storage?: ReportStorage | null;
  readonly stripeWebhookSecrets?: readonly Secret[] | undefined;
  /** Verification key of SendGrid's signed event webhook. */
  readonly sendgridPublicKey?: string | undefined;
  readonly twilioWebhook?: TwilioWebhook | undefined;
  /** At which addresses tenants may be called. Default: public ones, by https. */
  readonly endpointRules?: EndpointRules;
}

/** The rows of the API table that look into the stores themselves and change what is there. */
export function operatorRoutes(parts: OperatorParts): Route[] {
  const { runtime, caches, log, stripeWebhookSecrets = [] } = parts;
  const { endpointRules = { policy: createAddressPolicy(), allowHttp: false } } = parts;
  const { cancel, redrive } = forgetting(caches, { cancel: createCancel(runtime), redrive: createRedrive(runtime) });
  return [
    ...jobControlRoutes(runtime, cancel, redrive),
    ...jobHistoryRoutes(runtime),
    ...deadLetterRoutes(runtime, redrive),
    ...queueRoutes(runtime, caches.queues),
    ...cacheRoutes(runtime, caches),
    ...scheduleRoutes(createSchedules({ ...runtime, log })),
    ...webhookRoutes(runtime, endpointRules),
    ...webhookDeliveryRoutes(runtime, log),
    ...suppressionRoutes(runtime),
    ...reportRoutes(runtime, parts.storage ?? null),
    ...sendgridWebhookRoutes(runtime, parts.sendgridPublicKey),
    ...twilioWebhookRoutes(runtime, parts.twilioWebhook),
    ...stripeWebhookRoutes(runtime, stripeWebhookSecrets, log),
    ...tenantRoutes(runtime, log),
    ...bookRoutes(runtime),
    ...tenantAccountRoutes(runtime),
    ...auditRoutes(runtime),
  ];
}
