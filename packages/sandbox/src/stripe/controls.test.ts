import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cardPayment, failureOf, stripeBench, VENUE } from './test-client.ts';

describe('controls over HTTP', () => {
  it('do what a test in another process needs', async () => {
    await using bench = await stripeBench();
    const { stripe, sandbox } = bench;
    const control = async (name: string, args: object = {}) => {
      const answer = await fetch(`${sandbox.url}/_sandbox/stripe/${name}`, {
        method: 'POST',
        body: JSON.stringify(args),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const debit = await stripe.paymentIntents.create(
      cardPayment({
        payment_method: 'pm_usBankAccount',
        metadata: { queue_job_id: 'j' },
      }),
    );
    expect(await control('settle', { paymentIntent: debit.id })).toMatchObject({
      status: 200,
      body: { status: 'succeeded' },
    });
    expect((await control('settle', { paymentIntent: debit.id })).status).toBe(400);
    expect(await control('dispute', { paymentIntent: debit.id })).toMatchObject({
      body: { object: 'dispute', amount: 5000 },
    });
    expect(await control('createAccount', { id: 'acct_2' })).toMatchObject({ body: { id: 'acct_2' } });
    await control('setOpeningBalance', { currency: 'usd', amount: 7, account: 'acct_2' });
    expect((await stripe.balance.retrieve({}, { stripeAccount: 'acct_2' })).available).toMatchObject([{ amount: 7 }]);
    await control('disableAccount', { account: 'acct_2', mode: 'revoked' });
    expect(await failureOf(stripe.accounts.retrieve('acct_2'))).toMatchObject({ statusCode: 403 });
    expect(await control('objects', { type: 'charge' })).toMatchObject({
      body: { data: [{ payment_intent: debit.id }] },
    });
    expect(await control('settings', { searchDelayMs: 1000 })).toMatchObject({ body: { searchDelayMs: 1000 } });
    const effects = await (await fetch(`${sandbox.url}/_sandbox/effects?jobId=j`)).json();
    expect(effects).toMatchObject({ stripe: { counts: { charge: 1 } } });
  });

  it('plant differences for a reconciliation', async () => {
    await using bench = await stripeBench();
    const { stripe, sandbox } = bench;
    const kept = await stripe.paymentIntents.create(cardPayment());
    const gone = await stripe.paymentIntents.create(cardPayment());
    sandbox.tamper(kept.id, { amount: 1 });
    expect((await stripe.paymentIntents.retrieve(kept.id)).amount).toBe(1);
    expect(sandbox.forget(gone.id)).toBe(true);
    expect(await failureOf(stripe.paymentIntents.retrieve(gone.id))).toMatchObject({ statusCode: 404 });
  });
});

describe('a saved state', () => {
  it('still knows objects, keys, accounts and what is due', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stripe-'));
    const statePath = join(folder, 'state.json');
    try {
      const before = await stripeBench({ statePath });
      const options = { idempotencyKey: 'k' };
      const params = cardPayment({ payment_method: 'pm_usBankAccount' });
      const intent = await before.stripe.paymentIntents.create(params, options);
      const transfer = await before.stripe.transfers.create({ amount: 10, currency: 'usd', destination: VENUE });
      await before.sandbox.stop();

      await using after = await stripeBench({ statePath });
      expect((await after.stripe.paymentIntents.create(params, options)).id).toBe(intent.id);
      after.sandbox.clock.advance(4 * 24 * 60 * 60 * 1000);
      expect((await after.stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
      expect(await after.stripe.transfers.retrieve(transfer.id, { expand: ['destination'] })).toMatchObject({
        destination: { id: VENUE },
      });
      expect((await after.stripe.balance.retrieve()).available).toEqual(
        (await after.stripe.balance.retrieve()).available,
      );
      const fresh = await after.stripe.paymentIntents.create(cardPayment());
      expect(fresh.id).not.toBe(intent.id);
      expect(after.sandbox.effects.counts()).toEqual({ charge: 2, transfer: 1 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('gives the same ids for the same seed', async () => {
    await using one = await stripeBench({ seed: 's' });
    await using two = await stripeBench({ seed: 's' });
    const [a, b] = await Promise.all([one, two].map(({ stripe }) => stripe.paymentIntents.create(cardPayment())));
    expect(a?.id).toBe(b?.id);
  });
});
