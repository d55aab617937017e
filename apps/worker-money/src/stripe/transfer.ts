import { type JobError, PermanentError } from '@queue-service/contracts';
import type { EffectSpec } from '@queue-service/queue';
import { Stripe } from 'stripe';
import { ask, change, inOrder } from './call.ts';
import { createdWindow, type LookupTools, lookThrough, type Mark, whenNotThere } from './lookup.ts';

/** Parameters of `transfers.create`: money from the platform to a connected account. Minor units. */
export type TransferRequest = {
  amount: number;
  currency: string;
  destination: string;
  metadata: { [key: string]: string } & Mark;
  source_transaction?: string;
  transfer_group?: string;
};

export type TransferView = { id: string; amount: number; currency: string };

/** A transfer is made whole or not at all: it has no status. */
export function transferEffect(
  stripe: Stripe,
  request: TransferRequest,
  tools: LookupTools,
): EffectSpec<TransferRequest, TransferView> {
  return {
    provider: 'stripe',
    operation: 'transfers.create',
    request,
    amount: request.amount,
    currency: request.currency,

    async send(stored, call) {
      const transfer = await change(
        call.signal,
        () => stripe.transfers.create(inOrder(stored), { idempotencyKey: call.idempotencyKey }),
        noAccount,
      );
      return { providerId: transfer.id, response: viewTransfer(transfer) };
    },

    async find(stored, open) {
      // Transfers cannot be searched for. One account gets few within the time of one job, so its list is read to the end.
      const created = createdWindow(open, tools.policy);
      const looked = await ask(open.signal, () =>
        lookThrough(
          stripe.transfers.list({ destination: stored.destination, created, limit: 100 }),
          stored.metadata,
          Number.POSITIVE_INFINITY,
        ),
      );
      if (looked.match === null) return whenNotThere(open, looked, tools.policy, tools.clock.now());
      return { state: 'done', providerId: looked.match.id, response: viewTransfer(looked.match) };
    },
  };
}

function viewTransfer({ id, amount, currency }: Stripe.Transfer): TransferView {
  return { id, amount, currency };
}

function noAccount(error: unknown): JobError | undefined {
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) return undefined;
  if (error.code !== 'resource_missing' || error.param !== 'destination') return undefined;
  return new PermanentError({
    code: 'account_invalid',
    message: 'destinationAccountId: is no account connected to this platform',
  });
}
