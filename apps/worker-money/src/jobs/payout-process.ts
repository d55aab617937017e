import { type JobPayload, PermanentError, platformTenant } from '@queue-service/contracts';
import type { Handler, JobContext } from '@queue-service/queue';
import { type Accounts, requireAllowed } from '../accounts.ts';
import { readIfThere } from '../stripe/call.ts';
import { checkAmount } from '../stripe/currency.ts';
import { type PayoutTools, payoutAdapter } from '../stripe/payout.ts';
import { defaultSettle } from '../stripe/settle.ts';
import { type TransferRequest, transferAdapter } from '../stripe/transfer.ts';

export interface PayoutProcessOptions extends Pick<PayoutTools, 'stripe' | 'clock' | 'policy'> {
  accounts: Accounts;
  /** The tenant whose job made this payment, by the ledger; null when the ledger does not know it. */
  ownerOf(paymentIntentId: string): Promise<string | null>;
  settle?: PayoutTools['settle'];
}

type Payload = JobPayload<'payout-process'>;

/**
 * Pays a venue. A transfer is over when it is made. A payout is over when the bank has the money: a job that is
 * completed while the money is under way would have to be uncompleted when it comes back.
 */
export function createPayoutProcess(options: PayoutProcessOptions): Handler<'payout-process'> {
  const { stripe, policy } = options;
  const transfer = transferAdapter(stripe, policy);
  const payout = payoutAdapter({ ...options, settle: options.settle ?? defaultSettle.payout });

  /** The money of somebody else's charge is not this tenant's to pay out. */
  async function requireOwnCharge({ sourceTransaction: source }: Payload, ctx: JobContext): Promise<void> {
    if (source === undefined || ctx.tenantId === platformTenant) return;
    const charge = await readIfThere(ctx.signal, () => stripe.charges.retrieve(source));
    const intent = typeof charge?.payment_intent === 'string' ? charge.payment_intent : charge?.payment_intent?.id;
    if (intent !== undefined && (await options.ownerOf(intent)) === ctx.tenantId) return;
    throw new PermanentError({
      code: 'payment_not_found',
      message: 'sourceTransaction: names no charge of a payment of this tenant',
    });
  }

  return async (payload, ctx) => {
    const { destinationAccountId, amount, mode } = payload;
    const currency = payload.currency.toLowerCase();
    const money = { amount, currency };
    const requireAccount = () => requireAllowed(options.accounts, 'destinationAccountId', destinationAccountId, ctx);
    if (mode === 'transfer') {
      const { response } = await ctx.effect('transfer', {
        ...transfer,
        check: async () => {
          await requireAccount();
          checkAmount(amount, currency, 'charge');
          await requireOwnCharge(payload, ctx);
        },
        ...{ request: transferRequest(payload, ctx.jobId), ...money },
      });
      return { ...response, mode, status: 'paid', destinationAccountId };
    }
    const { response } = await ctx.effect('payout', {
      ...payout,
      check: async () => {
        await requireAccount();
        refuseTransferFields(payload);
        checkAmount(amount, currency, 'payout');
      },
      request: {
        account: destinationAccountId,
        params: { amount, currency, metadata: { queue_job_id: ctx.jobId, queue_effect: 'payout' } },
      },
      ...money,
    });
    const { id, status } = response;
    return { id, mode, status, amount: response.amount, currency: response.currency, destinationAccountId };
  };
}

function transferRequest(payload: Payload, jobId: string): TransferRequest {
  return {
    amount: payload.amount,
    currency: payload.currency.toLowerCase(),
    destination: payload.destinationAccountId,
    metadata: { queue_job_id: jobId, queue_effect: 'transfer' },
    ...(payload.sourceTransaction === undefined ? {} : { source_transaction: payload.sourceTransaction }),
    transfer_group: payload.transferGroup ?? jobId,
  };
}

/** Dropped silently, they would make a payout look as if it had been made of a certain charge's money. */
function refuseTransferFields(payload: Payload): void {
  const field =
    payload.sourceTransaction !== undefined
      ? 'sourceTransaction'
      : payload.transferGroup !== undefined
        ? 'transferGroup'
        : null;
  if (field === null) return;
  throw new PermanentError({
    code: 'invalid_request',
    message: `${field}: has no meaning for mode payout, only for mode transfer`,
  });
}
