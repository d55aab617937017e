import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStripeEvent, type StripeEvent, stripeEventTypes } from './stripe-events.ts';

const jobId = 'b3c1a2d4-0000-4000-8000-00000000abcd';
const event = (type: string, object: unknown, more: Partial<StripeEvent> = {}): StripeEvent => ({
  id: 'evt_1',
  type,
  created: 1_800_000_000,
  data: { object },
  ...more,
});
const intent = {
  id: 'pi_1',
  object: 'payment_intent',
  amount: 4_900,
  currency: 'eur',
  status: 'succeeded',
  metadata: { queue_job_id: jobId },
};
const refund = {
  id: 're_1',
  object: 'refund',
  amount: 500,
  currency: 'eur',
  status: 'succeeded',
  payment_intent: 'pi_1',
  metadata: {},
};
const dispute = {
  id: 'du_1',
  object: 'dispute',
  amount: 4_900,
  currency: 'eur',
  status: 'needs_response',
  payment_intent: 'pi_1',
  metadata: {},
};
const payout = {
  id: 'po_1',
  object: 'payout',
  amount: 600,
  currency: 'eur',
  status: 'paid',
  metadata: { queue_job_id: jobId },
};
const transfer = {
  id: 'tr_1',
  object: 'transfer',
  amount: 700,
  currency: 'eur',
  reversed: false,
  metadata: { queue_job_id: jobId },
};

describe('a Stripe event', () => {
  it('of a payment of ours wakes its job', () => {
    expect(readStripeEvent(event('payment_intent.succeeded', intent))).toEqual({
      kind: 'wake',
      objectId: 'pi_1',
      jobId,
      occurredAt: new Date(1_800_000_000_000),
      account: null,
      ledgerEntry: {
        providerId: 'pi_1',
        operation: 'payment_intents.create',
        amount: 4_900,
        currency: 'eur',
        status: 'confirmed',
        providerStatus: 'succeeded',
        paymentIntentId: 'pi_1',
      },
    });
  });

  it.each([
    ['payment_intent.processing', { ...intent, status: 'processing' }, 'unknown'],
    ['payment_intent.requires_action', { ...intent, status: 'requires_action' }, 'unknown'],
    ['payment_intent.payment_failed', { ...intent, status: 'requires_payment_method' }, 'rejected'],
    ['payment_intent.canceled', { ...intent, status: 'canceled' }, 'rejected'],
    ['refund.created', { ...refund, status: 'pending', metadata: { queue_job_id: jobId } }, 'unknown'],
    ['refund.failed', { ...refund, status: 'failed', metadata: { queue_job_id: jobId } }, 'rejected'],
    ['payout.paid', payout, 'confirmed'],
    ['payout.updated', { ...payout, status: 'in_transit' }, 'unknown'],
    ['payout.failed', { ...payout, status: 'failed' }, 'rejected'],
    ['transfer.created', transfer, 'confirmed'],
    ['transfer.reversed', { ...transfer, reversed: true }, 'rejected'],
  ])('%s says how it stands', (type, object, status) => {
    expect(readStripeEvent(event(type, object))).toMatchObject({ kind: 'wake', jobId, ledgerEntry: { status } });
  });

  it('keeps the connected account of a payout', () => {
    expect(readStripeEvent(event('payout.paid', payout, { account: 'acct_1Venue' }))).toMatchObject({
      account: 'acct_1Venue',
    });
  });

  it('of a refund made in the dashboard is for the ledger', () => {
    expect(readStripeEvent(event('refund.created', refund))).toMatchObject({
      kind: 'external_refund',
      jobId: null,
      ledgerEntry: {
        providerId: 're_1',
        operation: 'refunds.create',
        amount: 500,
        status: 'confirmed',
        paymentIntentId: 'pi_1',
      },
    });
  });

  it.each([
    ['charge.dispute.created', 'needs_response', 'confirmed'],
    ['charge.dispute.closed', 'lost', 'confirmed'],
    ['charge.dispute.closed', 'won', 'rejected'],
    ['charge.dispute.created', 'warning_needs_response', 'unknown'],
  ])('%s (%s) is for the ledger', (type, status, booked) => {
    expect(readStripeEvent(event(type, { ...dispute, status }))).toMatchObject({
      kind: 'dispute',
      ledgerEntry: { providerId: 'du_1', operation: 'disputes', status: booked, paymentIntentId: 'pi_1' },
    });
  });

  it.each([
    ['a payment made without us', event('payment_intent.succeeded', { ...intent, metadata: {} })],
    [
      'a mark that is no job id',
      event('payment_intent.succeeded', { ...intent, metadata: { queue_job_id: "x'; DROP" } }),
    ],
    ['a type that nobody subscribed to', event('charge.succeeded', { ...intent, object: 'charge' })],
    [
      'an object of another make',
      event('payout.paid', { object: 'unheard_of', id: 'x_1', amount: 1, currency: 'eur' }),
    ],
  ])('of %s is ignored', (_what, given) => {
    const meaning = readStripeEvent(given);
    expect(meaning.kind).toBe('ignore');
    expect(meaning.ledgerEntry).toBeUndefined();
  });

  it('takes a status that it does not know for undecided', () => {
    const unheardOf = { ...intent, status: 'requires_moonlight' };
    expect(readStripeEvent(event('payment_intent.processing', unheardOf))).toMatchObject({
      ledgerEntry: { status: 'unknown' },
    });
  });

  it('never throws, whatever is in it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...stripeEventTypes), fc.jsonValue(), (type, object) => {
        expect(['wake', 'dispute', 'external_refund', 'ignore']).toContain(readStripeEvent(event(type, object)).kind);
      }),
    );
  });
});
