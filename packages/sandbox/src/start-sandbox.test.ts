import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Analytics } from '@segment/analytics-node';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { mailerOf } from './sendgrid/test-client.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './start-sandbox.ts';

async function using<T>(options: SandboxOptions, work: (sandbox: Sandbox) => Promise<T>): Promise<T> {
  const sandbox = await startSandbox(options);
  try {
    return await work(sandbox);
  } finally {
    await sandbox.stop();
  }
}

function stripeOf(sandbox: Sandbox): Stripe {
  return new Stripe('sk_test_x', { host: '127.0.0.1', port: sandbox.port, protocol: 'http', telemetry: false });
}

const payment: Stripe.PaymentIntentCreateParams = {
  amount: 5000,
  currency: 'usd',
  payment_method: 'pm_card_visa',
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  confirm: true,
  description: 'Ticket <1>',
};

describe('the sandbox', () => {
  it('serves all providers from one port, with one page of what arrived', async () => {
    await using({}, async (sandbox) => {
      await stripeOf(sandbox).paymentIntents.create(payment);
      await mailerOf(sandbox).send({
        to: 'a@example.com',
        from: 'b@example.com',
        subject: 'Ticket',
        html: '<h1>Hi</h1>',
      });
      const analytics = new Analytics({ writeKey: 'wk', host: sandbox.url });
      analytics.track({ userId: 'u', event: 'Bought' });
      await analytics.flush({ close: true });
      await fetch(`${sandbox.url}/services/T/B/x`, { method: 'POST', body: '{"text":"hello"}' });
      const page = await (await fetch(sandbox.url)).text();
      for (const shown of [
        'Payments (1)',
        '$50.00 succeeded',
        'Ticket &lt;1&gt;',
        'Mails (1)',
        'Analytics events (1)',
        'Slack (1)',
      ]) {
        expect(page).toContain(shown);
      }
      const effects = (await (await fetch(`${sandbox.url}/_sandbox/effects`)).json()) as Record<
        string,
        { counts: object }
      >;
      expect(effects['stripe']?.counts).toEqual({ charge: 1 });
      expect(effects['sendgrid']?.counts).toEqual({ mail: 1 });
    });
  });

  it('answers what no provider knows as Stripe does, under /v1 only', async () => {
    await using({}, async (sandbox) => {
      const unknown = await fetch(`${sandbox.url}/v1/nothing`, { headers: { Authorization: 'Bearer sk_test_x' } });
      expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { type: 'invalid_request_error' } }]);
      expect((await fetch(`${sandbox.url}/nothing`)).status).toBe(404);
    });
  });

  it('can serve some only, and fail one provider without the others', async () => {
    await using({ only: ['stripe', 'sendgrid'] }, async (sandbox) => {
      expect((await fetch(`${sandbox.url}/services/T/B/x`, { method: 'POST', body: '{"text":"hello"}' })).status).toBe(
        404,
      );
      const fault = { provider: 'sendgrid', times: 'always', do: { kind: 'status', status: 503 } };
      await fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(fault) });
      const mail = { to: 'a@example.com', from: 'b@example.com', subject: 's', text: 't' };
      await expect(mailerOf(sandbox).send(mail)).rejects.toMatchObject({ code: 503 });
      expect((await stripeOf(sandbox).paymentIntents.create(payment)).status).toBe('succeeded');
    });
  });

  it('still knows everything after a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
    const statePath = join(folder, 'state.json');
    try {
      const before = await using({ statePath, stripe: { accounts: ['acct_1'] } }, async (sandbox) => {
        const intent = await stripeOf(sandbox).paymentIntents.create(payment);
        await mailerOf(sandbox).send({ to: 'a@example.com', from: 'b@example.com', subject: 'Ticket', text: 'x' });
        const subscription = sandbox.webpush.createPushSubscription();
        sandbox.alerts.answer('x', { status: 500 });
        await fetch(`${sandbox.url}/hooks/x`, { method: 'POST', body: 'kept' });
        return { intent: intent.id, key: sandbox.sendgrid.events.publicKey, subscription };
      });
      await using({ statePath }, async (sandbox) => {
        expect((await stripeOf(sandbox).paymentIntents.retrieve(before.intent)).status).toBe('succeeded');
        expect((await stripeOf(sandbox).accounts.retrieve('acct_1')).id).toBe('acct_1');
        expect(sandbox.sendgrid.mails()).toMatchObject([{ subject: 'Ticket' }]);
        expect(sandbox.sendgrid.events.publicKey).toBe(before.key);
        expect(() => sandbox.webpush.expire(before.subscription.endpoint)).not.toThrow();
        expect(sandbox.alerts.hooks('x')).toMatchObject([{ body: 'kept' }]);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says when its port is taken', async () => {
    await using({}, async (sandbox) => {
      await expect(startSandbox({ port: sandbox.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    });
  });
});
