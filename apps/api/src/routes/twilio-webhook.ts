import type { Secret } from '@queue-service/observability';
import { readTwilioStatus, twilioCallbackUrl } from '@queue-service/providers';
import type { Runtime } from '@queue-service/queue';
import twilio from 'twilio';
import { z } from 'zod';
import { Problem } from '../http/problem.ts';
import { type BodyOutcome, type Route, route } from '../http/route.ts';
import { takeDeliveryEvents } from '../message-events.ts';

export interface TwilioWebhook {
  readonly authToken: Secret;
  /** As worker-communication gives it to Twilio: the signature is over this very address. */
  readonly callbackUrl: string;
}

const maxParameters = 100;

/** Twilio sends some twenty. Counted before they are taken apart, and sorted for the signature. */
function readParameters(form: string): BodyOutcome<Record<string, string>> {
  if (form.split('&', maxParameters + 1).length > maxParameters) {
    const error = { path: '', message: `has more than ${maxParameters} parameters`, code: 'too_many_members' };
    return { ok: false, problem: new Problem('validation_failed', { errors: [error] }) };
  }
  return { ok: true, value: Object.fromEntries(new URLSearchParams(form)) };
}

/** What Twilio says later of text messages. Without the token nothing can be trusted, and the path is not there. */
export function twilioWebhookRoutes(runtime: Runtime, webhook: TwilioWebhook | undefined): Route[] {
  if (webhook === undefined) return [];
  return [
    route({
      method: 'post',
      path: '/providers/twilio/webhook',
      access: 'public',
      summary: 'Status callbacks of Twilio, signed by it',
      headers: z.object({ 'X-Twilio-Signature': z.string().optional() }),
      query: z.looseObject({
        job_id: z.string().max(100).optional(),
        tenant_id: z.string().max(200).optional(),
      }),
      body: {
        schema: z.looseObject({ MessageSid: z.string(), MessageStatus: z.string(), To: z.string() }),
        raw: { signature: 'X-Twilio-Signature' },
        limitBytes: 65_536,
        read: (bytes) => readParameters(String(bytes)),
      },
      answers: { 204: null },
      problems: ['invalid_signature', 'database_unavailable'],
      handler: async ({ body, headers, query: { job_id, tenant_id } }) => {
        const ids = { ...(job_id !== undefined && { job_id }), ...(tenant_id !== undefined && { tenant_id }) };
        const url = twilioCallbackUrl(webhook.callbackUrl, ids);
        if (!twilio.validateRequest(webhook.authToken.reveal(), headers['X-Twilio-Signature'] ?? '', url, body)) {
          throw new Problem('invalid_signature');
        }
        const event = readTwilioStatus(body, ids, runtime.now());
        await takeDeliveryEvents(runtime, event === null ? [] : [event]);
        return { status: 204, body: undefined };
      },
    }),
  ];
}
