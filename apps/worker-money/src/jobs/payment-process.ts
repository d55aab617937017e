import type { JobPayload } from '@queue-service/contracts';
import type { Handler } from '@queue-service/queue';
import { type Accounts, requireAllowed } from '../accounts.ts';
import { type ChargeRequest, type ChargeTools, chargeAdapter } from '../stripe/charge.ts';
import { checkAmount } from '../stripe/currency.ts';
import { defaultSettle } from '../stripe/settle.ts';

export interface PaymentProcessOptions extends Pick<ChargeTools, 'stripe' | 'clock' | 'policy'> {
  accounts: Accounts;
  settle?: Partial<ChargeTools['settle']>;
}

type Payload = JobPayload<'payment-process'>;

/** Charges. The job is over when the money is there or will not come. */
export function createPaymentProcess(options: PaymentProcessOptions): Handler<'payment-process'> {
  const { action, processing } = { ...defaultSettle, ...options.settle };
  const adapter = chargeAdapter({ ...options, settle: { action, processing } });

  return async (payload, ctx) => {
    const { connectedAccountId: venue, amount, currency } = payload;
    const { response } = await ctx.effect('charge', {
      ...adapter,
      check: async () => {
        checkAmount(amount, currency, 'charge');
        if (venue !== undefined) await requireAllowed(options.accounts, 'connectedAccountId', venue, ctx);
      },
      ...{ request: chargeRequest(payload, ctx.jobId), amount, currency: currency.toLowerCase() },
    });
    const { id: paymentIntentId, status, chargeId } = response;
    return { paymentIntentId, status, amount: response.amount, currency: response.currency, chargeId };
  };
}

function chargeRequest(payload: Payload, jobId: string): ChargeRequest {
  const { connectedAccountId: venue } = payload;
  return {
    amount: payload.amount,
    currency: payload.currency.toLowerCase(),
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    metadata: { ...payload.metadata, order_id: payload.orderId, queue_job_id: jobId, queue_effect: 'charge' },
    ...(payload.customerId === undefined ? {} : { customer: payload.customerId }),
    ...(payload.paymentMethodId === undefined ? {} : { payment_method: payload.paymentMethodId }),
    ...(payload.description === undefined ? {} : { description: payload.description }),
    // A destination charge: the platform charges, the venue gets the money less the fee and is the merchant of record.
    ...(venue === undefined ? {} : { transfer_data: { destination: venue }, on_behalf_of: venue }),
    // Stripe takes no fee of 0; none is the same.
    ...(payload.applicationFeeAmount ? { application_fee_amount: payload.applicationFeeAmount } : {}),
  };
}
