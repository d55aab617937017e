import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { phoneSchema } from '../fields.ts';

/** One text message through Twilio. */
export const sendSms = defineJob({
  type: 'send-sms',
  queue: 'communication',
  summary: 'Send a text message',
  version: 1,
  payload: z.strictObject({
    to: phoneSchema,
    body: z.string().min(1).max(1_600).describe("At most 1600 characters, Twilio's limit"),
    from: z
      .string()
      .regex(
        /^(\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11})$/,
        'is not an E.164 number, a messaging service or a sender name',
      )
      .optional()
      .describe('Default: TWILIO_FROM'),
    delivery: z.enum(['at_least_once', 'at_most_once']).optional(),
  }),
  result: z.object({
    messageId: z.string().nullable(),
    status: z.string(),
    segments: z.int(),
    suppressed: z.boolean(),
    suppressedReason: z.string().nullable(),
  }),
  personalData: ['to', 'body'],
  permanentFailures: [
    'invalid_number',
    'opted_out',
    'invalid_request',
    'provider_authentication_failed',
    'outcome_unknown',
  ],
  example: {
    payload: { to: '+41791234567', body: 'Doors open at 19:00.' },
    result: {
      messageId: 'SM0123456789abcdef0123456789abcdef',
      status: 'queued',
      segments: 1,
      suppressed: false,
      suppressedReason: null,
    },
  },
});
