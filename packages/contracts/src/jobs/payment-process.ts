import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { amountSchema, currencySchema, metadataSchema, stripeId } from '../fields.ts';

/** Charges a saved payment method or customer through a Stripe PaymentIntent. Card data never enters the service. */
export const paymentProcess = defineJob({
  type: 'payment-process',
  queue: 'money',
  summary: 'Charge a saved payment method or customer',
  version: 1,
  payload: z
    .strictObject({
      orderId: z.string().min(1).max(200),
      amount: amountSchema,
      currency: currencySchema,
      paymentMethodId: z
        .string()
        .regex(/^(pm|card|src)_[A-Za-z0-9_]+$/, 'is not a Stripe payment method id')
        .max(255)
        .optional(),
      customerId: stripeId('cus').optional(),
      connectedAccountId: stripeId('acct')
        .optional()
        .describe('Venue that receives the money; the platform charges for it'),
      applicationFeeAmount: z.int().min(0).max(99_999_999).optional(),
      description: z.string().max(1_000).optional(),
      metadata: metadataSchema.optional(),
    })
    .refine((payload) => payload.paymentMethodId !== undefined || payload.customerId !== undefined, {
      path: ['paymentMethodId'],
      error: 'paymentMethodId or customerId is required',
    })
    .refine((payload) => payload.applicationFeeAmount === undefined || payload.connectedAccountId !== undefined, {
      path: ['applicationFeeAmount'],
      error: 'needs connectedAccountId: a fee is taken from what a venue receives',
    })
    .refine((payload) => (payload.applicationFeeAmount ?? 0) <= payload.amount, {
      path: ['applicationFeeAmount'],
      error: 'is more than amount',
    }),
  result: z.object({
    paymentIntentId: z.string(),
    status: z.string().describe('Status of the PaymentIntent; succeeded when the job completed'),
    amount: z.int(),
    currency: z.string(),
    chargeId: z.string().nullable(),
  }),
  personalData: ['description', 'metadata.*'],
  permanentFailures: [
    'card_declined',
    'authentication_required',
    'payment_canceled',
    'payment_not_settled_in_time',
    'account_not_allowed',
    'account_invalid',
    'invalid_request',
  ],
  example: {
    payload: {
      orderId: 'order-1042',
      amount: 4_900,
      currency: 'eur',
      paymentMethodId: 'pm_card_visa',
      description: 'Ticket, row 4 seat 12',
    },
    result: {
      paymentIntentId: 'pi_3QexampleExample01',
      status: 'succeeded',
      amount: 4_900,
      currency: 'eur',
      chargeId: 'ch_3QexampleExample01',
    },
  },
});
