import { z } from 'zod';
import { emailSchema } from '../fields.ts';
import type { FlowStepInput } from '../http/flows.ts';
import { nftMint } from '../jobs/nft-mint.ts';
import { paymentProcess } from '../jobs/payment-process.ts';
import { sendEmail } from '../jobs/send-email.ts';

const input = z.strictObject({
  payment: z.strictObject(paymentProcess.payload.shape),
  ticket: z.strictObject(nftMint.payload.shape),
  buyer: z.strictObject({
    email: emailSchema,
    templateId: sendEmail.payload.shape.templateId,
    templateData: sendEmail.payload.shape.templateData,
  }),
});

/**
 * Charge, mint, mail. When the ticket cannot be minted the payment is refunded; a mail that does not go out does not
 * take the ticket back.
 */
export const ticketPurchase = {
  name: 'ticket-purchase',
  summary: 'Charge the buyer, mint the ticket, send the confirmation',
  input,
  steps: ({ payment, ticket, buyer }: z.output<typeof input>): FlowStepInput[] => [
    {
      name: 'payment',
      type: 'payment-process',
      data: payment,
      onFailure: 'fail',
      compensation: {
        type: 'refund-process',
        data: { paymentIntentId: { $ref: 'steps.payment.result.paymentIntentId' }, reason: 'purchase_failed' },
      },
    },
    { name: 'mint', type: 'nft-mint', data: ticket, dependsOn: ['payment'], onFailure: 'compensate' },
    {
      name: 'confirmation',
      type: 'send-email',
      onFailure: 'continue',
      data: {
        to: buyer.email,
        ...(buyer.templateId === undefined
          ? {
              subject: `Your ticket: ${ticket.metadata.name}`,
              text: `Order ${payment.orderId}: your ticket ${ticket.metadata.name} is in your wallet.`,
            }
          : { templateId: buyer.templateId }),
        templateData: {
          ...buyer.templateData,
          orderId: payment.orderId,
          ticket: ticket.metadata.name,
          paymentIntentId: { $ref: 'steps.payment.result.paymentIntentId' },
          mintAddress: { $ref: 'steps.mint.result.mintAddress' },
          signature: { $ref: 'steps.mint.result.signature' },
        },
        categories: ['ticket'],
      },
    },
  ],
};
