import { type JobError, PermanentError } from '@queue-service/contracts';
import type { EffectAdapter, EffectResult } from '@queue-service/queue';
import { Stripe } from 'stripe';
import { ask, change, inOrder } from './call.ts';
import { createdWindow, type LookupPolicy, lookThrough, type Mark, whenNotThere } from './lookup.ts';

/** Parameters of `transfers.create`: money from the platform to a connected account. Minor units. */
export type TransferRequest = {
  amount: number;
  currency: string;
  destination: string;
  metadata: { [key: string]: string } & Mark;
  source_transaction?: string;
  /** The job's id where the producer gave none: a group of one, whose list is short and complete. */
  transfer_group?: string;
};

export type TransferView = { id: string; amount: number; currency: string };

/** A transfer is made whole or not at all: it has no status. */
export function transferAdapter(stripe: Stripe, policy: LookupPolicy): EffectAdapter<TransferRequest, TransferView> {
  const lookFor = (request: TransferRequest, created: object, refusedIds: readonly string[], signal: AbortSignal) => {
    const { transfer_group: group, destination, metadata } = request;
    const where = group === metadata.queue_job_id ? { transfer_group: group } : { destination, created };
    return ask(signal, () =>
      // Transfers cannot be searched for. One account gets few within the time of one job, so its list is read to the end.
      lookThrough(stripe.transfers.list({ ...where, limit: 100 }), metadata, { refusedIds }),
    );
  };
  return {
    provider: 'stripe',
    operation: 'transfers.create',

    async send(stored, call) {
      const transfer = await change(
        call,
        'transfer',
        () => stripe.transfers.create(inOrder(stored), { idempotencyKey: call.idempotencyKey }),
        noAccount,
      );
      return made(transfer);
    },

    async find(stored, open) {
      const looked = await lookFor(stored, createdWindow(open, policy), open.refusedIds, open.signal);
      if (looked.match === null) return whenNotThere(open, looked, policy);
      return { state: 'done', ...made(looked.match) };
    },

    async recall(stored, since, signal) {
      const created = { gte: Math.floor((since.getTime() - policy.skewMs) / 1_000) };
      const { match } = await lookFor(stored, created, [], signal);
      return match && made(match);
    },
  };
}

function made({ id, amount, currency }: Stripe.Transfer): EffectResult<TransferView> {
  return { providerId: id, response: { id, amount, currency } };
}

function noAccount(error: unknown): JobError | undefined {
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) return undefined;
  if (error.code !== 'resource_missing' || error.param !== 'destination') return undefined;
  return new PermanentError({
    code: 'account_invalid',
    message: 'destinationAccountId: is no account connected to this platform',
  });
}
