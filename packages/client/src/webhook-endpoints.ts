import type { z } from 'zod';
import {
  type createWebhookSchema,
  type pageQuerySchema,
  type patchWebhookSchema,
  type rotateSecretSchema,
  signingSecretAnswerSchema,
  type WebhookDeliveryResource,
  type WebhookResource,
  webhookAnswerSchema,
  webhookDeliveryAnswerSchema,
  type webhookDeliveryListQuerySchema,
  webhookDeliveryListSchema,
  webhookListSchema,
  webhookWithSecretAnswerSchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import { nothing, type Send } from './transport.ts';

type WithSecret = z.output<typeof webhookWithSecretAnswerSchema>['webhook'];

/** Addresses that are told how jobs and flows end; for admins and venue admins. All throw ProblemError. */
export interface WebhookEndpoints {
  /** The answer is the only place where its secret is shown. */
  create(endpoint: z.input<typeof createWebhookSchema>, options?: RequestOptions): Promise<WithSecret>;
  /** A page, newest first. */
  list(query?: z.input<typeof pageQuerySchema>, options?: RequestOptions): Promise<z.output<typeof webhookListSchema>>;
  get(id: string, options?: RequestOptions): Promise<WebhookResource>;
  /** Changes what is given; `active: true` also clears why it was switched off. */
  update(id: string, changes: z.input<typeof patchWebhookSchema>, options?: RequestOptions): Promise<WebhookResource>;
  remove(id: string, options?: RequestOptions): Promise<void>;
  /** A new secret; the old one signs too for a while. */
  rotateSecret(id: string, body?: z.input<typeof rotateSecretSchema>, options?: RequestOptions): Promise<WithSecret>;
  /** A new secret for what goes to the `webhookUrl` of jobs and flows; the old one signs too for a while. */
  rotateSigningSecret(
    body?: z.input<typeof rotateSecretSchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof signingSecretAnswerSchema>['signingSecret']>;
  /** Sends it a `webhook.test` event. */
  test(id: string, options?: RequestOptions): Promise<WebhookDeliveryResource>;
  /** What it was told, with every try; newest first. */
  deliveries(
    id: string,
    query?: z.input<typeof webhookDeliveryListQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof webhookDeliveryListSchema>>;
  /** Sends an ended delivery again, under the same `webhook-id`. `conflict` while it has not ended. */
  replay(deliveryId: string, options?: RequestOptions): Promise<WebhookDeliveryResource>;
}

export function createWebhookEndpoints(send: Send): WebhookEndpoints {
  const path = '/webhooks';
  const at = (id: string) => `${path}/${encodeURIComponent(id)}`;
  const answer = webhookAnswerSchema;
  const withSecret = { method: 'POST', once: true, answer: webhookWithSecretAnswerSchema } as const;
  const delivery = { method: 'POST', once: true, answer: webhookDeliveryAnswerSchema } as const;
  return {
    create: async (body, { signal } = {}) => (await send({ ...withSecret, path, body, signal })).webhook,
    list: (query, { signal } = {}) => send({ method: 'GET', path, query, answer: webhookListSchema, signal }),
    get: async (id, { signal } = {}) => (await send({ method: 'GET', path: at(id), answer, signal })).webhook,
    update: async (id, body, { signal } = {}) =>
      (await send({ method: 'PATCH', path: at(id), body, answer, signal })).webhook,
    remove: (id, { signal } = {}) => send({ method: 'DELETE', path: at(id), once: true, answer: nothing, signal }),
    rotateSecret: async (id, body = {}, { signal } = {}) =>
      (await send({ ...withSecret, path: `${at(id)}/rotate-secret`, body, signal })).webhook,
    rotateSigningSecret: async (body = {}, { signal } = {}) => {
      const request = { method: 'POST', path: `${path}/signing-secret/rotate`, body, once: true } as const;
      return (await send({ ...request, answer: signingSecretAnswerSchema, signal })).signingSecret;
    },
    test: async (id, { signal } = {}) => (await send({ ...delivery, path: `${at(id)}/test`, signal })).delivery,
    deliveries: (id, query, { signal } = {}) =>
      send({ method: 'GET', path: `${at(id)}/deliveries`, query, answer: webhookDeliveryListSchema, signal }),
    replay: async (id, { signal } = {}) =>
      (await send({ ...delivery, path: `${path}/deliveries/${encodeURIComponent(id)}/replay`, signal })).delivery,
  };
}
