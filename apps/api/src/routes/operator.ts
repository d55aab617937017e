import type { Logger, Secret } from '@queue-service/observability';
import { createAddressPolicy, type EndpointRules } from '@queue-service/outbound';
import { createSchedules, type Runtime } from '@queue-service/queue';
import { createCancel } from '../cancel.ts';
import type { Route } from '../http/route.ts';
import { createRedrive } from '../redrive.ts';
import { auditRoutes } from './audit-log.ts';
import { bookRoutes } from './books.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { jobControlRoutes } from './job-control.ts';
import { jobHistoryRoutes } from './job-history.ts';
import { queueRoutes } from './queues.ts';
import { scheduleRoutes } from './schedules.ts';
import { stripeWebhookRoutes } from './stripe-webhook.ts';
import { suppressionRoutes } from './suppressions.ts';
import { tenantAccountRoutes } from './tenant-accounts.ts';
import { tenantRoutes } from './tenants.ts';
import { webhookDeliveryRoutes } from './webhook-deliveries.ts';
import { webhookRoutes } from './webhooks.ts';

export interface OperatorParts {
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly stripeWebhookSecret?: Secret | undefined;
  /** At which addresses tenants may be called. Default: public ones, by https. */
  readonly endpointRules?: EndpointRules;
}

/** The rows of the API table that look into the stores themselves and change what is there. */
export function operatorRoutes(parts: OperatorParts): Route[] {
  const { runtime, log, stripeWebhookSecret } = parts;
  const { endpointRules = { policy: createAddressPolicy(), allowHttp: false } } = parts;
  const redrive = createRedrive(runtime);
  return [
    ...jobControlRoutes(runtime, createCancel(runtime), redrive),
    ...jobHistoryRoutes(runtime),
    ...deadLetterRoutes(runtime, redrive),
    ...queueRoutes(runtime),
    ...scheduleRoutes(createSchedules({ ...runtime, log })),
    ...webhookRoutes(runtime, endpointRules),
    ...webhookDeliveryRoutes(runtime, log),
    ...suppressionRoutes(runtime),
    ...stripeWebhookRoutes(runtime, stripeWebhookSecret, log),
    ...tenantRoutes(runtime, log),
    ...bookRoutes(runtime),
    ...tenantAccountRoutes(runtime),
    ...auditRoutes(runtime),
  ];
}
