import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { amountSchema, currencySchema, stripeId } from '../fields.ts';

/** Pays a venue: a transfer to its connected account, or a payout from that account to its bank (Stripe Connect). */
export const payoutProcess = defineJob({
  type: 'payout-process',
  queue: 'money',
  summary: 'Pay a venue',
  version: 1,
  payload: z.strictObject({
    destinationAccountId: stripeId('acct'),
    amount: amountSchema,
    currency: currencySchema,
    mode: z.enum(['transfer', 'payout']),
    sourceTransaction: stripeId('ch').optional().describe('Charge whose money the transfer uses'),
    transferGroup: z.string().min(1).max(200).optional(),
  }),
  result: z.object({
    id: z.string().describe('Transfer or payout id'),
    mode: z.enum(['transfer', 'payout']),
    status: z.string(),
    amount: z.int(),
    currency: z.string(),
    destinationAccountId: z.string(),
  }),
  personalData: [],
  permanentFailures: [
    'account_not_allowed',
    'account_invalid',
    'payment_not_found',
    'insufficient_funds',
    'payout_failed',
    'payout_canceled',
    'payout_not_settled_in_time',
    'invalid_request',
  ],
  example: {
    payload: {
      destinationAccountId: 'acct_1QexampleVenue',
      amount: 250_000,
      currency: 'eur',
      mode: 'transfer',
      transferGroup: 'event-77',
    },
    result: {
      id: 'tr_1QexampleExample01',
      mode: 'transfer',
      status: 'paid',
      amount: 250_000,
      currency: 'eur',
      destinationAccountId: 'acct_1QexampleVenue',
    },
  },
});
