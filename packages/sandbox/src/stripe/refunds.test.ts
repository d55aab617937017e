import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cardPayment, failureOf, type StripeBench, stripeBench, VENUE } from './test-client.ts';

let bench: StripeBench;
beforeAll(async () => {
  bench = await stripeBench();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.sandbox.reset());

const paid = async (fields = {}) => (await bench.stripe.paymentIntents.create(cardPayment(fields))).id;
const DAY_MS = 24 * 60 * 60 * 1000;

describe('a refund', () => {
  it('of what is left is the default, in parts until nothing is left', async () => {
    const { stripe, sandbox } = bench;
    const intent = await paid();
    const part = await stripe.refunds.create({
      payment_intent: intent,
      amount: 1500,
      metadata: { queue_job_id: 'job-9' },
    });
    expect(part).toMatchObject({ object: 'refund', status: 'succeeded', amount: 1500, payment_intent: intent });
    expect((await stripe.refunds.create({ charge: String(part.charge) })).amount).toBe(3500);
    expect(await stripe.charges.retrieve(String(part.charge))).toMatchObject({ refunded: true, amount_refunded: 5000 });
    expect(await failureOf(stripe.refunds.create({ payment_intent: intent }))).toMatchObject({
      statusCode: 400,
      code: 'charge_already_refunded',
      message: `Charge ${part.charge} has already been refunded.`,
    });
    expect(sandbox.effects.list({ jobId: 'job-9' })).toMatchObject([
      { kind: 'refund', id: part.id, detail: { amount: 1500 } },
    ]);
    expect((await stripe.refunds.list({ payment_intent: intent })).data.map((row) => row.amount)).toEqual([3500, 1500]);
  });

  it('of more than is left is refused with both amounts, and without a code', async () => {
    const { stripe } = bench;
    const intent = await paid();
    await stripe.refunds.create({ payment_intent: intent, amount: 2000 });
    const error = await failureOf(stripe.refunds.create({ payment_intent: intent, amount: 3001 }));
    expect(error).toMatchObject({ statusCode: 400, param: 'amount' });
    expect(error.code).toBeUndefined();
    expect(error.message).toBe('Refund amount ($30.01) is greater than unrefunded amount on charge ($30.00)');
  });

  it('of a payment that is not settled, or not captured, is refused', async () => {
    const { stripe } = bench;
    const processing = await paid({ payment_method: 'pm_usBankAccount' });
    expect((await failureOf(stripe.refunds.create({ payment_intent: processing }))).message).toBe(
      `This PaymentIntent (${processing}) does not have a successful charge to refund.`,
    );
    const authorized = await paid({ capture_method: 'manual' });
    expect((await failureOf(stripe.refunds.create({ payment_intent: authorized }))).message).toContain(
      'cancel the PaymentIntent',
    );
  });

  it('of a disputed charge is refused', async () => {
    const { stripe, sandbox } = bench;
    const intent = await paid();
    sandbox.dispute(sandbox.chargeOf(intent).id);
    expect(await failureOf(stripe.refunds.create({ payment_intent: intent }))).toMatchObject({
      code: 'charge_disputed',
    });
  });

  it('can be pending and end later', async () => {
    const { stripe, sandbox } = bench;
    const refund = await stripe.refunds.create({
      payment_intent: await paid({ payment_method: 'pm_card_pendingRefund' }),
    });
    expect(refund.status).toBe('pending');
    sandbox.clock.advance(3 * DAY_MS);
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe('succeeded');
  });

  it('can succeed and fail later, which gives the amount back', async () => {
    const { stripe, sandbox } = bench;
    const intent = await paid({ payment_method: 'pm_card_refundFail' });
    const refund = await stripe.refunds.create({ payment_intent: intent });
    expect(refund.status).toBe('succeeded');
    sandbox.clock.advance(3 * DAY_MS);
    expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'lost_or_stolen_card',
    });
    expect(sandbox.chargeOf(intent)).toMatchObject({ amount_refunded: 0, refunded: false });
    const [event] = (await stripe.events.list({ type: 'refund.failed' })).data;
    expect(event?.data.object).toMatchObject({ id: refund.id, status: 'failed' });
  });

  it('takes the share back from the destination and returns the application fee', async () => {
    const { stripe } = bench;
    const intent = await paid({ transfer_data: { destination: VENUE }, application_fee_amount: 500 });
    const refund = await stripe.refunds.create({
      payment_intent: intent,
      amount: 2500,
      reverse_transfer: true,
      refund_application_fee: true,
    });
    const [transfer] = (await stripe.transfers.list({ destination: VENUE })).data;
    expect(transfer).toMatchObject({ amount: 5000, amount_reversed: 2500, reversed: false });
    expect(transfer?.reversals.data).toMatchObject([{ amount: 2500, source_refund: refund.id }]);
    expect((await stripe.applicationFees.list()).data).toMatchObject([{ amount: 500, amount_refunded: 250 }]);
  });

  it('without payment or charge, or of nothing that exists, is a bad request', async () => {
    expect((await failureOf(bench.stripe.refunds.create({}))).message).toContain('payment_intent or charge');
    expect(await failureOf(bench.stripe.refunds.create({ payment_intent: 'pi_no' }))).toMatchObject({
      code: 'resource_missing',
    });
    const intent = await paid();
    const error = await failureOf(bench.stripe.refunds.create({ payment_intent: intent, reverse_transfer: true }));
    expect(error.param).toBe('reverse_transfer');
    expect(bench.sandbox.effects.count({ kind: 'refund' })).toBe(0);
  });
});

describe('a dispute', () => {
  it('takes the money and the fee, and gives both back when won', async () => {
    const { stripe, sandbox } = bench;
    const intent = await paid();
    const dispute = sandbox.dispute(sandbox.chargeOf(intent).id, { reason: 'product_not_received' });
    expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({
      amount: 5000,
      status: 'needs_response',
      reason: 'product_not_received',
      payment_intent: intent,
      balance_transactions: [{ amount: -5000, fee: 1500, net: -6500 }],
    });
    sandbox.closeDispute(dispute.id, 'won');
    const types = (await stripe.events.list({ type: 'charge.dispute.*' })).data.map((event) => event.type);
    expect(types).toEqual([
      'charge.dispute.closed',
      'charge.dispute.funds_reinstated',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.created',
    ]);
    const txns = await stripe.balanceTransactions.list({ source: dispute.id });
    expect(txns.data.reduce((sum, row) => sum + row.net, 0)).toBe(0);
  });
});
