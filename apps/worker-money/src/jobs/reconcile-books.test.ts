import { platformTenant } from '@queue-service/contracts';
import { listBookDifferences, listOpenIncidents } from '@queue-service/persistence';
import { Keypair } from '@solana/web3.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Minter } from '../solana/minter.ts';
import { attempt, order } from '../solana/testing/test-mint.ts';
import { createStripe } from '../stripe/client.ts';
import { type MoneyFleet, startMoneyFleet } from '../testing/money-fleet.ts';

let fleet: MoneyFleet;
beforeAll(async () => {
  fleet = await startMoneyFleet();
});
afterAll(() => fleet.stop());

const reconcile = async (tenantId = platformTenant) => {
  const id = await fleet.post('reconcile-books', { lastHours: 24 }, tenantId);
  return fleet.ended(id);
};
const open = async () => listBookDifferences(fleet.runtime.db, { status: 'open' }, null, 100);
const incidents = async () => (await listOpenIncidents(fleet.runtime.db)).map(({ key }) => key);
const paymentOf = async (job: string) => (await fleet.ended(job)).result?.['paymentIntentId'] as string;

it('finds the planted differences and nothing else, keeps them, and sees that they are gone', async () => {
  const { post, ended, stripe, solana } = fleet;
  const payment = { orderId: 'o', amount: 5_000, currency: 'eur', paymentMethodId: 'pm_card_visa' };
  const payments = await Promise.all([1, 2, 3].map(() => post('payment-process', payment)));
  const declined = await post('payment-process', { ...payment, paymentMethodId: 'pm_card_chargeDeclined' });
  const [paid = '', cut = '', tampered = ''] = await Promise.all(payments.map(paymentOf));
  await fleet.allow('venue-1', 'acct_1Venue');
  const transfer = await post('payout-process', {
    ...{ destinationAccountId: 'acct_1Venue', amount: 700, currency: 'eur', mode: 'transfer' as const },
  });
  const refund = await post('refund-process', { paymentIntentId: paid, amount: 100 });
  const mint = await post('nft-mint', {
    ticketId: 't',
    eventId: 'e',
    ownerWallet: Keypair.generate().publicKey.toBase58(),
    metadata: { name: 'Seat 1', symbol: 'SEAT', uri: 'https://tickets.example/1.json' },
  });
  const ends = await Promise.all([transfer, refund, mint, declined].map(ended));
  expect(ends.map(({ status, error }) => error?.code ?? status)).toEqual([
    'completed',
    'completed',
    'completed',
    'card_declined',
  ]);

  const agreed = await reconcile();
  expect(agreed.result).toMatchObject({ differences: 0, ledgerRows: 7, providerRows: 7, brief: [] });
  expect([await open(), await incidents()]).toEqual([[], []]);

  // At Stripe: a charge is gone, one has another amount, a transfer was reversed, a refund was made by hand.
  const client = createStripe({ secretKey: 'sk_test_hand', apiBase: stripe.url });
  const kept = stripe.all('payment_intent').find(({ id }) => id === cut);
  stripe.forget(cut);
  stripe.tamper(tampered, { amount: 4_999, amount_received: 4_999 });
  const byHand = await client.refunds.create({ payment_intent: paid, amount: 50 });
  // On the chain: a ticket that no job ordered, from the same authority.
  const stranger = order(fleet.authority, { jobId: 'no-job-of-ours' });
  await attempt(new Minter({ nodes: fleet.nodes, authority: fleet.authority, pollMs: 100 }), stranger);
  const found = await reconcile();
  expect(kept).toBeDefined();
  expect(found.result).toMatchObject({
    differences: 4,
    ledgerOnly: 1,
    providerOnly: 2,
    amountDiffers: 1,
    statusDiffers: 0,
  });
  const kinds = (await open()).map(({ kind, object, providerId }) => [kind, object, providerId]);
  expect(kinds.toSorted()).toEqual(
    [
      ['amount_differs', 'charge', tampered],
      ['ledger_only', 'charge', cut],
      ['provider_only', 'mint', stranger.mintAddress],
      ['provider_only', 'refund', byHand.id],
    ].toSorted(),
  );
  expect(await incidents()).toEqual(['books_differ']);

  // Found again they are the same; put right they are gone, and what a person explained does not come back.
  stripe.tamper(tampered, { amount: 5_000, amount_received: 5_000 });
  stripe.forget(byHand.id);
  await reconcile();
  expect((await open()).map(({ providerId }) => providerId).toSorted()).toEqual([cut, stranger.mintAddress].toSorted());
  expect(await incidents()).toEqual(['books_differ']);
  await fleet.runtime.db.prisma.bookDifference.updateMany({ data: { status: 'accepted' } });
  expect((await reconcile()).result).toMatchObject({ differences: 2 });
  expect([await open(), await incidents()]).toEqual([[], []]);
  expect(solana.effects.list({ kind: 'mint' })).toHaveLength(2);
});

it('is refused to everybody but the platform', async () => {
  expect(await reconcile('venue-1')).toMatchObject({ status: 'failed', error: { code: 'platform_only' } });
});
