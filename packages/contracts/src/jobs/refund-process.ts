import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { amountSchema, jobIdSchema, stripeId } from '../fields.ts';

/** Gives money of a payment back: all that is left, or a part. */
export const refundProcess = defineJob({
  type: 'refund-process',
  queue: 'money',
  summary: 'Refund a payment, whole or in part',
  version: 1,
  payload: z
    .strictObject({
      paymentIntentId: stripeId('pi').optional(),
      paymentJobId: jobIdSchema.optional().describe('The payment-process job whose payment is refunded'),
      amount: amountSchema.optional().describe('Default: what is left of the payment'),
      reason: z
        .enum(['duplicate', 'fraudulent', 'requested_by_customer', 'event_cancelled', 'purchase_failed'])
        .optional(),
    })
    .refine((payload) => (payload.paymentIntentId === undefined) !== (payload.paymentJobId === undefined), {
      path: ['paymentIntentId'],
      error: 'exactly one of paymentIntentId and paymentJobId is required',
    }),
  result: z.object({
    refundId: z.string(),
    paymentIntentId: z.string(),
    status: z.string(),
    amount: z.int(),
    currency: z.string(),
  }),
  personalData: [],
  permanentFailures: [
    'refund_exceeds_payment',
    'already_refunded',
    'payment_not_found',
    'payment_not_settled',
    'refund_failed',
    'insufficient_funds',
  ],
  example: {
    payload: { paymentIntentId: 'pi_3QexampleExample01', amount: 1_000, reason: 'requested_by_customer' },
    result: {
      refundId: 're_3QexampleExample01',
      paymentIntentId: 'pi_3QexampleExample01',
      status: 'succeeded',
      amount: 1_000,
      currency: 'eur',
    },
  },
});
