import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { hour, minute, second } from '../queues.ts';

/**
 * Delivers one event to one endpoint. The delivery row in PostgreSQL holds body, address and history; the job only
 * names it, so a repeat is the same delivery.
 */
export const deliverWebhook = defineJob({
  type: 'deliver-webhook',
  queue: 'communication',
  summary: "Tell a tenant's endpoint how a job or flow ended",
  version: 1,
  payload: z.strictObject({ deliveryId: z.uuid() }),
  result: z.object({ statusCode: z.int(), durationMs: z.number() }),
  policy: {
    attempts: 9,
    // The gaps of Svix, which grew from what receivers' outages look like: about 3 days in all.
    backoff: {
      kind: 'schedule',
      delaysMs: [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 24 * hour],
    },
    timeoutMs: 30 * second,
  },
  personalData: [],
  refuses: () => 'is made by the service itself; POST /webhooks/deliveries/{id}/replay repeats one',
  permanentFailures: [
    'endpoint_gone',
    'endpoint_disabled',
    'address_refused',
    'delivery_not_found',
    'delivery_aborted',
  ],
  example: {
    payload: { deliveryId: '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f' },
    result: { statusCode: 204, durationMs: 41 },
  },
});
