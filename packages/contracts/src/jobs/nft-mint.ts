import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { walletSchema } from '../fields.ts';
import { day } from '../queues.ts';

/** Mints one ticket as a Token-2022 token of supply 1 into the owner's wallet. */
export const nftMint = defineJob({
  type: 'nft-mint',
  queue: 'money',
  summary: 'Mint a ticket into a wallet',
  version: 1,
  payload: z.strictObject({
    ticketId: z.string().min(1).max(200),
    eventId: z.string().min(1).max(200),
    ownerWallet: walletSchema,
    metadata: z.strictObject({
      name: z.string().min(1).max(64),
      symbol: z.string().max(16),
      uri: z.url({ protocol: /^(https?|ipfs|ar)$/ }).max(256),
      attributes: z
        .record(z.string().min(1).max(64), z.string().max(256))
        .refine((value) => Object.keys(value).length <= 16, 'has more than 16 keys')
        .refine(
          (value) => !Object.keys(value).some((key) => ['name', 'symbol', 'uri'].includes(key)),
          'uses a key that is a metadata field itself (name, symbol, uri)',
        )
        .optional(),
    }),
    transferable: z.boolean().default(true),
  }),
  result: z.object({
    mintAddress: z.string(),
    tokenAccount: z.string(),
    signature: z.string(),
    slot: z.int(),
  }),
  policy: { idempotencyWindowMs: 365 * day },
  personalData: ['ownerWallet', 'metadata.attributes.*'],
  permanentFailures: [
    'owner_wallet_invalid',
    'ticket_too_large',
    'mint_conflict',
    'mint_authority_changed',
    'transaction_rejected',
  ],
  example: {
    payload: {
      ticketId: 'ticket-1042',
      eventId: 'event-77',
      ownerWallet: '7cVfgArCheMR6Cs4t6vz5rfnqd56vZq4ndaBrY5xkxXy',
      metadata: {
        name: 'Open Air 2027, row 4 seat 12',
        symbol: 'OPEN27',
        uri: 'https://tickets.example/t/1042.json',
        attributes: { row: '4', seat: '12' },
      },
      transferable: true,
    },
    result: {
      mintAddress: '9mExampleMint1111111111111111111111111111111',
      tokenAccount: '9tExampleAccount1111111111111111111111111111',
      signature: '5igExampleSignature1111111111111111111111111111111111111111111111111111111111111111111',
      slot: 287_001_122,
    },
  },
});
