import Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cardPayment, clientOf, failureOf, type StripeBench, stripeBench, VENUE } from './test-client.ts';

let bench: StripeBench;
beforeAll(async () => {
  bench = await stripeBench();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.sandbox.reset());

const DAY_MS = 24 * 60 * 60 * 1000;

describe('a card payment', () => {
  it('succeeds with its charge, its fee and its events', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(
      cardPayment({
        metadata: { queue_job_id: 'job-1' },
        description: 'Ticket',
        expand: ['latest_charge.balance_transaction'],
      }),
    );
    expect(intent).toMatchObject({
      object: 'payment_intent',
      status: 'succeeded',
      amount_received: 5000,
      livemode: false,
    });
    expect(intent.id).toMatch(/^pi_\w{24}$/);
    expect(intent.payment_method).toMatch(/^pm_\w{24}$/);
    expect(intent.latest_charge).toMatchObject({
      status: 'succeeded',
      paid: true,
      captured: true,
      amount_captured: 5000,
      payment_intent: intent.id,
      metadata: { queue_job_id: 'job-1' },
      balance_transaction: { type: 'charge', amount: 5000, fee: 175, net: 4825, status: 'pending' },
    });
    expect(sandbox.effects.list()).toMatchObject([
      { kind: 'charge', jobId: 'job-1', detail: { amount: 5000, currency: 'usd' } },
    ]);
    const events = await stripe.events.list({ limit: 10 });
    expect(events.data.map((event) => event.type)).toEqual([
      'payment_intent.succeeded',
      'charge.succeeded',
      'payment_intent.created',
    ]);
  });

  it('can be confirmed later, and only once', async () => {
    const { stripe } = bench;
    const intent = await stripe.paymentIntents.create({
      amount: 700,
      currency: 'eur',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    expect(intent.status).toBe('requires_payment_method');
    const confirmed = await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_mastercard' });
    expect(confirmed.status).toBe('succeeded');
    const again = await failureOf(stripe.paymentIntents.confirm(intent.id));
    expect(again).toMatchObject({
      statusCode: 400,
      code: 'payment_intent_unexpected_state',
      payment_intent: { id: intent.id },
    });
  });

  it.each([
    ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', ''],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', ''],
    ['pm_card_chargeDeclinedProcessingError', 'processing_error', ''],
  ])('with %s is declined: %s, %s', async (method, code, declineCode) => {
    const { stripe, sandbox } = bench;
    const error = await failureOf(stripe.paymentIntents.create(cardPayment({ payment_method: method })));
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(error).toMatchObject({ statusCode: 402, code, payment_intent: { status: 'requires_payment_method' } });
    expect(error.decline_code).toBe(declineCode);
    const left = await stripe.paymentIntents.retrieve(String(error.payment_intent?.id));
    expect(left).toMatchObject({ status: 'requires_payment_method', last_payment_error: { code }, amount_received: 0 });
    expect(await stripe.charges.retrieve(String(error.charge))).toMatchObject({
      status: 'failed',
      failure_code: code,
      paid: false,
    });
    expect(sandbox.effects.counts()).toEqual({ declined_charge: 1 });
  });

  it('can be captured in part later; the rest is released', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(cardPayment({ capture_method: 'manual' }));
    expect(intent).toMatchObject({ status: 'requires_capture', amount_capturable: 5000, amount_received: 0 });
    expect(sandbox.effects.counts()).toEqual({ authorization: 1 });
    expect(await failureOf(stripe.paymentIntents.capture(intent.id, { amount_to_capture: 5001 }))).toMatchObject({
      code: 'amount_too_large',
    });
    const captured = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 3000 });
    expect(captured).toMatchObject({ status: 'succeeded', amount_received: 3000, amount_capturable: 0 });
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    expect(refund.amount).toBe(3000);
  });

  it('that is never captured ends after seven days', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(cardPayment({ capture_method: 'manual' }));
    sandbox.clock.advance(7 * DAY_MS);
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'automatic',
    });
  });

  it('can be canceled before it is paid, not after', async () => {
    const { stripe } = bench;
    const open = await stripe.paymentIntents.create({
      amount: 500,
      currency: 'usd',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    const canceled = await stripe.paymentIntents.cancel(open.id, { cancellation_reason: 'abandoned' });
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
    const paid = await stripe.paymentIntents.create(cardPayment());
    expect(await failureOf(stripe.paymentIntents.cancel(paid.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });
});

describe('a payment that asks for authentication', () => {
  const asking = (fields = {}) => cardPayment({ payment_method: 'pm_card_authenticationRequired', ...fields });

  it('waits for the customer, and succeeds when they did it', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(asking({ return_url: 'https://example.com/back' }));
    expect(intent).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } });
    expect(sandbox.effects.count()).toBe(0);
    sandbox.completeAction(intent.id);
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({ status: 'succeeded', next_action: null });
    expect(sandbox.effects.counts()).toEqual({ charge: 1 });
  });

  it('fails when the customer failed', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(asking());
    sandbox.completeAction(intent.id, 'failed');
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    });
  });

  it.each([{ off_session: true }, { error_on_requires_action: true }])('is declined with %o', async (option) => {
    const error = await failureOf(bench.stripe.paymentIntents.create(asking(option)));
    expect(error).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_required',
    });
  });
});

describe('a bank debit', () => {
  const debit = (method: string) => cardPayment({ payment_method: method });

  it('is processing for days, then succeeds by the clock', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(debit('pm_usBankAccount'));
    expect(intent).toMatchObject({ status: 'processing', amount_received: 0 });
    sandbox.clock.advance(4 * DAY_MS);
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'succeeded',
      amount_received: 5000,
    });
    expect(sandbox.effects.counts()).toEqual({ charge: 1 });
  });

  it('can fail days later', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(debit('pm_usBankAccount_insufficientFunds'));
    sandbox.clock.advance(4 * DAY_MS);
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { decline_code: 'insufficient_funds' },
    });
    const types = (await stripe.events.list({ types: ['payment_intent.payment_failed', 'charge.failed'] })).data.map(
      (event) => event.type,
    );
    expect(types).toEqual(['payment_intent.payment_failed', 'charge.failed']);
  });

  it('settles when told, and cannot be canceled meanwhile', async () => {
    const { stripe, sandbox } = bench;
    const intent = await stripe.paymentIntents.create(debit('pm_usBankAccount_processing'));
    sandbox.clock.advance(40 * DAY_MS);
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('processing');
    expect(await failureOf(stripe.paymentIntents.cancel(intent.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
    sandbox.settle(intent.id);
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
  });
});

describe('amounts', () => {
  const pay = (amount: number, currency: string) =>
    bench.stripe.paymentIntents.create(cardPayment({ amount, currency }));

  it('are in minor units; zero-decimal and three-decimal currencies have their rules', async () => {
    expect((await pay(50, 'jpy')).status).toBe('succeeded');
    expect((await pay(1230, 'kwd')).status).toBe('succeeded');
    expect(await failureOf(pay(1234, 'kwd'))).toMatchObject({ statusCode: 400, param: 'amount' });
  });

  it('have a minimum and a maximum', async () => {
    expect(await failureOf(pay(49, 'usd'))).toMatchObject({
      code: 'amount_too_small',
      message: 'Amount must be at least $0.50',
    });
    expect(await failureOf(pay(100_000_000, 'usd'))).toMatchObject({ code: 'amount_too_large' });
    expect(await failureOf(pay(0, 'usd'))).toMatchObject({ code: 'parameter_invalid_integer', param: 'amount' });
  });

  it('need a known currency', async () => {
    expect(await failureOf(pay(500, 'xyz'))).toMatchObject({ statusCode: 400, param: 'currency' });
  });
});

describe('bad requests', () => {
  const create = (params: object) =>
    failureOf(bench.stripe.paymentIntents.create(params as Stripe.PaymentIntentCreateParams));

  it('name the parameter', async () => {
    expect(await create({ currency: 'usd' })).toMatchObject({ code: 'parameter_missing', param: 'amount' });
    expect(await create({ amount: 'ten', currency: 'usd' })).toMatchObject({
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
    expect(await create({ amount: 500, currency: 'usd', colour: 'red' })).toMatchObject({
      code: 'parameter_unknown',
      param: 'colour',
    });
    expect(await create({ amount: 500, currency: 'usd', transfer_data: { to: 'x' } })).toMatchObject({
      param: 'transfer_data[to]',
    });
    expect(await create({ amount: 500, currency: 'usd', payment_method_types: ['card'] })).toMatchObject({
      code: 'parameter_unknown',
      param: 'payment_method_types',
    });
    expect(await create({ amount: 500, currency: 'usd', description: '' })).toMatchObject({
      code: 'parameter_invalid_empty',
    });
    expect(await create({ amount: 500, currency: 'usd', metadata: { ['k'.repeat(41)]: 'v' } })).toMatchObject({
      param: 'metadata',
    });
  });

  it('are told apart by what is missing', async () => {
    expect(await create(cardPayment({ payment_method: 'pm_nothing' }))).toMatchObject({
      code: 'resource_missing',
      param: 'payment_method',
    });
    expect(await create(cardPayment({ allowed_payment_method_types: ['sepa_debit'] }))).toMatchObject({
      code: 'payment_intent_incompatible_payment_method',
      param: 'payment_method',
    });
    expect(await create(cardPayment({ customer: 'cus_nobody' }))).toMatchObject({
      code: 'resource_missing',
      param: 'customer',
    });
    expect(await failureOf(bench.stripe.paymentIntents.retrieve('pi_nothing'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'intent',
      message: "No such payment_intent: 'pi_nothing'",
    });
  });

  it('with confirm need a return_url unless redirects are off', async () => {
    const { automatic_payment_methods: _without, ...automatic } = cardPayment();
    expect((await create(automatic)).message).toContain('you must provide a `return_url`');
    const ok = await bench.stripe.paymentIntents.create({ ...automatic, return_url: 'https://example.com/back' });
    expect(ok.status).toBe('succeeded');
  });

  it('with an unknown URL, without a key, or with a live key are refused as Stripe does', async () => {
    expect(await failureOf(bench.stripe.plans.list())).toMatchObject({ statusCode: 404 });
    const live = await failureOf(clientOf(bench.sandbox, 'sk_live_abcdefghijkl').balance.retrieve());
    expect(live).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(live.message).toBe('Invalid API Key provided: sk_live_********ijkl');
    expect((await fetch(`${bench.sandbox.url}/v1/balance`)).status).toBe(401);
  });

  it('for an account that is not connected are a 403', async () => {
    const error = await failureOf(bench.stripe.balance.retrieve({}, { stripeAccount: 'acct_nobody' }));
    expect(error).toMatchObject({ statusCode: 403, code: 'account_invalid' });
    bench.sandbox.disableAccount(VENUE, 'revoked');
    expect(await failureOf(bench.stripe.balance.retrieve({}, { stripeAccount: VENUE }))).toMatchObject({
      code: 'account_invalid',
    });
  });
});

describe('customers', () => {
  it('pay with a saved card, which needs the customer', async () => {
    const { stripe } = bench;
    const customer = await stripe.customers.create({ email: 'a@example.com', payment_method: 'pm_card_visa' });
    const [card] = (await stripe.customers.listPaymentMethods(customer.id)).data;
    expect(card).toMatchObject({ type: 'card', customer: customer.id, card: { last4: '4242' } });
    const method = String(card?.id);
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method } });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({
      invoice_settings: { default_payment_method: method },
    });

    expect((await failureOf(stripe.paymentIntents.create(cardPayment({ payment_method: method })))).message).toContain(
      'attached to a customer',
    );
    const paid = await stripe.paymentIntents.create(
      cardPayment({ payment_method: method, customer: customer.id, off_session: true }),
    );
    expect(paid).toMatchObject({ status: 'succeeded', customer: customer.id, payment_method: method });
  });

  it('have cards by test token', async () => {
    const { stripe } = bench;
    const customer = await stripe.customers.create({});
    const method = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa_chargeDeclined' } });
    await stripe.paymentMethods.attach(method.id, { customer: customer.id });
    const error = await failureOf(
      stripe.paymentIntents.create(cardPayment({ payment_method: method.id, customer: customer.id })),
    );
    expect(error).toMatchObject({ code: 'card_declined' });
  });
});
