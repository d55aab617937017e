import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { jsonObjectSchema } from '../fields.ts';
import { instantSchema } from '../http/page.ts';

/** One event to Segment. */
export const analyticsTrack = defineJob({
  type: 'analytics-track',
  queue: 'background',
  summary: 'Track an event',
  version: 1,
  payload: z
    .strictObject({
      userId: z.string().min(1).max(255).optional(),
      anonymousId: z.string().min(1).max(255).optional(),
      event: z.string().min(1).max(255),
      properties: jsonObjectSchema.optional(),
      timestamp: instantSchema.optional(),
    })
    .refine((payload) => payload.userId !== undefined || payload.anonymousId !== undefined, {
      path: ['userId'],
      error: 'userId or anonymousId is required',
    }),
  result: z.object({ messageId: z.string() }),
  personalData: ['userId', 'anonymousId', 'properties.*'],
  permanentFailures: ['invalid_request', 'provider_authentication_failed'],
  example: {
    payload: { userId: 'user-9', event: 'Ticket Purchased', properties: { eventId: 'event-77', seats: 1 } },
    result: { messageId: '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f' },
  },
});
