import type { Control } from '../http/provider.ts';
import type { RowName } from './objects.ts';
import type { StripeSimulator } from './simulator.ts';
import type { WebhookEndpointOptions } from './webhooks.ts';

/** The simulator's methods for tests in other processes: `POST /_sandbox/stripe/<name>` with the arguments as JSON. */
export function stripeControls(stripe: StripeSimulator): Record<string, Control> {
  return {
    objects: (args) => ({ data: stripe.all(text(args, 'type') as RowName, optional(args, 'account')) }),
    createAccount: (args) => stripe.createAccount(args),
    disableAccount: (args) => {
      stripe.disableAccount(text(args, 'account'), optional(args, 'mode') === 'revoked' ? 'revoked' : 'restricted');
    },
    setOpeningBalance: (args) => {
      stripe.setOpeningBalance(text(args, 'currency'), Number(args['amount']), optional(args, 'account'));
    },
    settle: (args) => stripe.settle(text(args, 'paymentIntent'), outcome(args)),
    completeAction: (args) => stripe.completeAction(text(args, 'paymentIntent'), outcome(args)),
    endRefund: (args) => stripe.endRefund(text(args, 'refund'), outcome(args)),
    movePayout: (args) => stripe.movePayout(text(args, 'payout'), text(args, 'to') as 'in_transit' | 'paid' | 'failed'),
    dispute: (args) => {
      const charge = optional(args, 'charge') ?? stripe.chargeOf(text(args, 'paymentIntent')).id;
      const reason = optional(args, 'reason');
      return stripe.dispute(charge, {
        ...(reason === undefined ? {} : { reason }),
        ...(args['amount'] === undefined ? {} : { amount: Number(args['amount']) }),
      });
    },
    closeDispute: (args) =>
      stripe.closeDispute(text(args, 'dispute'), text(args, 'outcome') === 'won' ? 'won' : 'lost'),
    forget: (args) => ({ forgotten: stripe.forget(text(args, 'id')) }),
    tamper: (args) => stripe.tamper(text(args, 'id'), args['fields'] as Record<string, unknown>),
    settings: (args) => Object.assign(stripe.settings, args),
    addWebhook: (args) => stripe.webhooks.add(args as unknown as WebhookEndpointOptions),
    removeWebhooks: () => stripe.webhooks.removeAll(),
    holdWebhooks: () => stripe.webhooks.hold(),
    releaseWebhooks: async (args) => ({
      sent: await stripe.webhooks.release(optional(args, 'order') === 'backward' ? 'backward' : 'forward'),
    }),
    webhookDeliveries: () => ({ data: stripe.webhooks.deliveries() }),
    resend: (args) => stripe.resend(text(args, 'event')),
  };
}

function text(args: Record<string, unknown>, name: string): string {
  const value = args[name];
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`);
  return value;
}

function optional(args: Record<string, unknown>, name: string): string | undefined {
  return args[name] === undefined ? undefined : text(args, name);
}

function outcome(args: Record<string, unknown>): 'succeeded' | 'failed' {
  return args['outcome'] === 'failed' ? 'failed' : 'succeeded';
}
