import { z } from 'zod';
import { defineJob } from '../contract.ts';

const webPushTarget = z.strictObject({
  kind: z.literal('webpush'),
  endpoint: z.url({ protocol: /^https?$/ }).max(2_048),
  keys: z.strictObject({ p256dh: z.string().min(1).max(255), auth: z.string().min(1).max(255) }),
});

const fcmTarget = z.strictObject({ kind: z.literal('fcm'), token: z.string().min(1).max(4_096) });

/** One push message, by Web Push or Firebase Cloud Messaging. */
export const sendPush = defineJob({
  type: 'send-push',
  queue: 'communication',
  summary: 'Send a push message',
  version: 1,
  payload: z.strictObject({
    target: z.discriminatedUnion('kind', [webPushTarget, fcmTarget]),
    title: z.string().min(1).max(255),
    body: z.string().max(2_000),
    data: z.record(z.string().max(255), z.string().max(1_000)).optional(),
    ttlSeconds: z.int().min(0).max(2_419_200).optional().describe('At most four weeks, the limit of both services'),
    collapseKey: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/, 'is not 1 to 32 URL-safe base64 characters (RFC 8030, Topic)')
      .optional(),
  }),
  result: z.object({
    messageId: z.string().nullable(),
    channel: z.enum(['webpush', 'fcm']),
    suppressed: z.boolean(),
    suppressedReason: z.string().nullable(),
  }),
  personalData: ['target.endpoint', 'target.keys.*', 'target.token', 'title', 'body', 'data.*'],
  permanentFailures: ['target_gone', 'invalid_request', 'payload_too_large', 'provider_authentication_failed'],
  example: {
    payload: {
      target: { kind: 'fcm', token: 'f-example-token' },
      title: 'Your ticket is here',
      body: 'Open Air 2027',
      ttlSeconds: 3_600,
    },
    result: { messageId: 'projects/tickets/messages/0:1', channel: 'fcm', suppressed: false, suppressedReason: null },
  },
});
