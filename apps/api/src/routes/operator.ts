import type { Logger, Secret } from '@queue-service/observability';
import { createSchedules, type Runtime } from '@queue-service/queue';
import { createCancel } from '../cancel.ts';
import type { Route } from '../http/route.ts';
import { createRedrive } from '../redrive.ts';
import { auditRoutes } from './audit-log.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { jobControlRoutes } from './job-control.ts';
import { jobHistoryRoutes } from './job-history.ts';
import { queueRoutes } from './queues.ts';
import { scheduleRoutes } from './schedules.ts';
import { stripeWebhookRoutes } from './stripe-webhook.ts';

export interface OperatorParts {
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly stripeWebhookSecret?: Secret | undefined;
}

/** The rows of the API table that look into the stores themselves and change what is there. */
export function operatorRoutes({ runtime, log, stripeWebhookSecret }: OperatorParts): Route[] {
  const redrive = createRedrive(runtime);
  return [
    ...jobControlRoutes(runtime, createCancel(runtime), redrive),
    ...jobHistoryRoutes(runtime),
    ...deadLetterRoutes(runtime, redrive),
    ...queueRoutes(runtime),
    ...scheduleRoutes(runtime, createSchedules({ ...runtime, log })),
    ...stripeWebhookRoutes(runtime, stripeWebhookSecret, log),
    ...auditRoutes(runtime),
  ];
}
