import { readSendgridEvents } from '@queue-service/providers';
import type { Runtime } from '@queue-service/queue';
import { EventWebhook } from '@sendgrid/eventwebhook';
import { z } from 'zod';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';
import { takeDeliveryEvents } from '../message-events.ts';

const signature = 'X-Twilio-Email-Event-Webhook-Signature';
const timestamp = 'X-Twilio-Email-Event-Webhook-Timestamp';

/**
 * What SendGrid says later of mails. Without its key nothing can be trusted, and the path is not there.
 * @param publicKey verification key of the signed event webhook, as SendGrid shows it
 */
export function sendgridWebhookRoutes(runtime: Pick<Runtime, 'db' | 'sealer'>, publicKey: string | undefined): Route[] {
  if (publicKey === undefined) return [];
  const verifier = new EventWebhook();
  const key = verifier.convertPublicKeyToECDSA(publicKey);
  const isSigned = (body: Buffer, signed: string, at: string): boolean => {
    try {
      return verifier.verifySignature(key, body, signed, at);
    } catch {
      // What is no signature at all is not taken apart by the library.
      return false;
    }
  };
  return [
    route({
      method: 'post',
      path: '/providers/sendgrid/webhook',
      access: 'public',
      summary: 'Events of SendGrid, signed by it',
      headers: z.object({ [signature]: z.string().optional(), [timestamp]: z.string().optional() }),
      body: {
        schema: z.array(z.looseObject({ event: z.string(), email: z.string(), sg_event_id: z.string() })),
        raw: { signature },
        read: (bytes) => ({ ok: true, value: bytes as Buffer }),
      },
      answers: { 200: z.object({ received: z.int(), fresh: z.int().describe('Those that were not known yet') }) },
      problems: ['invalid_signature', 'malformed_json', 'database_unavailable'],
      handler: async ({ body, headers }) => {
        if (!isSigned(body, headers[signature] ?? '', headers[timestamp] ?? '')) throw new Problem('invalid_signature');
        const events = readSendgridEvents(parse(body));
        return { status: 200, body: { received: events.length, fresh: await takeDeliveryEvents(runtime, events) } };
      },
    }),
  ];
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Problem('malformed_json');
  }
}
