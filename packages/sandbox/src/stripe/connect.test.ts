import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cardPayment, failureOf, type StripeBench, stripeBench, VENUE } from './test-client.ts';

let bench: StripeBench;
beforeAll(async () => {
  bench = await stripeBench({ settings: { openingBalance: 0 } });
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.sandbox.reset());

const DAY_MS = 24 * 60 * 60 * 1000;
const onVenue = { stripeAccount: VENUE };

describe('a transfer', () => {
  it('needs available funds, which a card charge gives after two days', async () => {
    const { stripe, sandbox } = bench;
    const transfer = () =>
      stripe.transfers.create({
        amount: 4000,
        currency: 'usd',
        destination: VENUE,
        transfer_group: 'order-1',
        metadata: { queue_job_id: 'job-3' },
      });
    await stripe.paymentIntents.create(cardPayment());
    expect((await stripe.balance.retrieve()).pending).toMatchObject([{ amount: 4825, currency: 'usd' }]);
    expect(await failureOf(transfer())).toMatchObject({ statusCode: 400, code: 'balance_insufficient' });
    sandbox.clock.advance(2 * DAY_MS);
    const made = await transfer();
    expect(made).toMatchObject({
      object: 'transfer',
      amount: 4000,
      destination: VENUE,
      reversed: false,
      reversals: { data: [] },
    });
    expect((await stripe.balance.retrieve()).available).toMatchObject([{ amount: 825 }]);
    expect((await stripe.balance.retrieve({}, onVenue)).available).toMatchObject([{ amount: 4000 }]);
    expect((await stripe.transfers.list({ transfer_group: 'order-1' })).data.map((row) => row.id)).toEqual([made.id]);
    expect(sandbox.effects.list({ jobId: 'job-3' })).toMatchObject([{ kind: 'transfer', id: made.id }]);
  });

  it('out of a charge needs no available funds, and no more than the charge', async () => {
    const { stripe } = bench;
    const intent = await stripe.paymentIntents.create(cardPayment());
    const source = { currency: 'usd', destination: VENUE, source_transaction: String(intent.latest_charge) };
    const made = await stripe.transfers.create({ ...source, amount: 3000 });
    expect(made).toMatchObject({ source_transaction: intent.latest_charge, transfer_group: `group_${intent.id}` });
    expect(await failureOf(stripe.transfers.create({ ...source, amount: 2001 }))).toMatchObject({ param: 'amount' });
    expect((await stripe.transfers.create({ ...source, amount: 2000 })).amount).toBe(2000);
    expect(await failureOf(stripe.transfers.create({ ...source, amount: 1, currency: 'eur' }))).toMatchObject({
      param: 'currency',
    });
  });

  it('can be reversed in parts', async () => {
    const { stripe, sandbox } = bench;
    sandbox.setOpeningBalance('usd', 10_000);
    const { id } = await stripe.transfers.create({ amount: 1000, currency: 'usd', destination: VENUE });
    await stripe.transfers.createReversal(id, { amount: 400 });
    expect(await stripe.transfers.retrieve(id)).toMatchObject({
      amount_reversed: 400,
      reversals: { data: [{ amount: 400 }] },
    });
    expect((await failureOf(stripe.transfers.createReversal(id, { amount: 601 }))).statusCode).toBe(400);
    await stripe.transfers.createReversal(id);
    expect(await stripe.transfers.retrieve(id)).toMatchObject({ amount_reversed: 1000, reversed: true });
  });

  it('to an unknown, a revoked or a restricted account is refused', async () => {
    const { stripe, sandbox } = bench;
    sandbox.setOpeningBalance('usd', 10_000);
    const to = (destination: string) =>
      failureOf(stripe.transfers.create({ amount: 100, currency: 'usd', destination }));
    expect(await to('acct_nobody')).toMatchObject({
      code: 'resource_missing',
      message: "No such destination: 'acct_nobody'",
    });
    sandbox.disableAccount(VENUE);
    expect(await to(VENUE)).toMatchObject({ code: 'insufficient_capabilities_for_transfer' });
    sandbox.disableAccount(VENUE, 'revoked');
    expect(await to(VENUE)).toMatchObject({ code: 'resource_missing' });
    expect(sandbox.effects.count()).toBe(0);
  });
});

describe('a payout', () => {
  const payout = (amount: number) =>
    bench.stripe.payouts.create({ amount, currency: 'usd', metadata: { queue_job_id: 'job-4' } }, onVenue);

  it('leaves the account, is sent, and arrives after two days', async () => {
    const { stripe, sandbox } = bench;
    sandbox.setOpeningBalance('usd', 5000, VENUE);
    expect(await failureOf(payout(5001))).toMatchObject({ code: 'balance_insufficient' });
    const made = await payout(5000);
    expect(made).toMatchObject({ object: 'payout', status: 'pending', type: 'bank_account' });
    sandbox.clock.advance(60 * 60 * 1000);
    expect((await stripe.payouts.retrieve(made.id, {}, onVenue)).status).toBe('in_transit');
    expect(await failureOf(stripe.payouts.cancel(made.id, {}, onVenue))).toMatchObject({
      code: 'payout_cancellation_not_allowed',
    });
    sandbox.clock.advance(2 * DAY_MS);
    expect((await stripe.payouts.retrieve(made.id, {}, onVenue)).status).toBe('paid');
    const [event] = (await stripe.events.list({ type: 'payout.paid' }, onVenue)).data;
    expect(event).toMatchObject({ account: VENUE, data: { object: { id: made.id } } });
    expect(await failureOf(stripe.payouts.retrieve(made.id))).toMatchObject({ statusCode: 404 });
  });

  it('can be canceled while it is pending, or fail at the bank; both give the money back', async () => {
    const { stripe, sandbox } = bench;
    sandbox.setOpeningBalance('usd', 5000, VENUE);
    const first = await payout(3000);
    expect((await stripe.payouts.cancel(first.id, {}, onVenue)).status).toBe('canceled');
    const second = await payout(5000);
    sandbox.movePayout(second.id, 'failed');
    expect(await stripe.payouts.retrieve(second.id, {}, onVenue)).toMatchObject({
      status: 'failed',
      failure_code: 'account_closed',
    });
    expect((await stripe.balance.retrieve({}, onVenue)).available).toMatchObject([{ amount: 5000 }]);
  });

  it('of a restricted account is refused', async () => {
    bench.sandbox.disableAccount(VENUE);
    expect(await failureOf(payout(100))).toMatchObject({ statusCode: 400, code: 'payouts_not_allowed' });
    expect(await bench.stripe.accounts.retrieve(VENUE)).toMatchObject({ payouts_enabled: false });
  });
});

describe('payments with a share', () => {
  it('to a destination move the charge and pay the application fee back', async () => {
    const { stripe } = bench;
    const intent = await stripe.paymentIntents.create(
      cardPayment({
        transfer_data: { destination: VENUE },
        application_fee_amount: 700,
        on_behalf_of: VENUE,
        expand: ['latest_charge.transfer'],
      }),
    );
    expect(intent.latest_charge).toMatchObject({
      transfer: { amount: 5000, destination: VENUE },
      application_fee_amount: 700,
    });
    const platform = (await stripe.balanceTransactions.list()).data.map(({ type, amount, net }) => ({
      type,
      amount,
      net,
    }));
    expect(platform).toEqual([
      { type: 'application_fee', amount: 700, net: 700 },
      { type: 'transfer', amount: -5000, net: -5000 },
      { type: 'charge', amount: 5000, net: 4825 },
    ]);
    const venue = (await stripe.balanceTransactions.list({}, onVenue)).data;
    expect(venue).toMatchObject([
      { type: 'payment', amount: 5000, fee: 700, net: 4300, fee_details: [{ type: 'application_fee' }] },
    ]);
  });

  it('made on the connected account itself leave the platform its fee', async () => {
    const { stripe } = bench;
    const intent = await stripe.paymentIntents.create(cardPayment({ application_fee_amount: 700 }), onVenue);
    expect((await stripe.balanceTransactions.list({}, onVenue)).data).toMatchObject([
      { amount: 5000, fee: 875, net: 4125 },
    ]);
    expect((await stripe.balanceTransactions.list({ type: 'application_fee' })).data).toMatchObject([{ amount: 700 }]);
    expect((await stripe.applicationFees.list()).data).toMatchObject([
      { account: VENUE, charge: intent.latest_charge },
    ]);
    expect(await failureOf(stripe.paymentIntents.retrieve(intent.id))).toMatchObject({ statusCode: 404 });
  });

  it('need somebody to share with', async () => {
    const error = await failureOf(bench.stripe.paymentIntents.create(cardPayment({ application_fee_amount: 700 })));
    expect(error).toMatchObject({ statusCode: 400, param: 'application_fee_amount' });
    const unknown = await failureOf(
      bench.stripe.paymentIntents.create(cardPayment({ transfer_data: { destination: 'acct_no' } })),
    );
    expect(unknown).toMatchObject({ code: 'resource_missing', param: 'transfer_data[destination]' });
  });
});

describe('accounts', () => {
  it('are made, retrieved and listed', async () => {
    const { stripe } = bench;
    const made = await stripe.accounts.create({ type: 'express', country: 'DE', email: 'venue@example.com' });
    expect(made).toMatchObject({
      object: 'account',
      country: 'DE',
      charges_enabled: true,
      capabilities: { transfers: 'active' },
    });
    expect((await stripe.accounts.retrieve(made.id)).email).toBe('venue@example.com');
    expect((await stripe.accounts.list()).data.map((row) => row.id)).toEqual([made.id, VENUE]);
    expect(await failureOf(stripe.accounts.retrieve('acct_no'))).toMatchObject({ statusCode: 404 });
  });
});
