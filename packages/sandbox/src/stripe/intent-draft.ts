import { checkCurrency } from './currencies.ts';
import { invalidRequest, missing } from './errors.ts';
import type { Params } from './params.ts';
import { usePaymentMethod } from './payment-methods.ts';
import { type Book, PLATFORM } from './state.ts';
import { checkDestination } from './transfers.ts';
import type { World } from './world.ts';

/** What a request to create a PaymentIntent asks for. */
export type IntentDraft = ReturnType<typeof readDraft>;

/** Reads the parameters of `POST /v1/payment_intents`. @throws StripeFailure that Stripe does not save */
export function readDraft(params: Params) {
  const amount = params.requiredAmount('amount');
  const currency = checkCurrency(params.requiredText('currency'));
  const transfer = params.hash('transfer_data', ['destination', 'amount']);
  const automatic = params.hash('automatic_payment_methods', ['enabled', 'allow_redirects']);
  return {
    amount,
    currency,
    customer: params.text('customer'),
    description: params.text('description'),
    metadata: params.metadata(),
    method: params.text('payment_method'),
    allowedTypes: params.texts('allowed_payment_method_types'),
    automatic: {
      enabled: automatic?.flag('enabled') ?? true,
      allow_redirects: automatic?.oneOf('allow_redirects', ['always', 'never']) ?? ('always' as const),
    },
    captureMethod:
      params.oneOf('capture_method', ['automatic', 'automatic_async', 'manual']) ?? ('automatic_async' as const),
    confirmationMethod: params.oneOf('confirmation_method', ['automatic', 'manual']) ?? ('automatic' as const),
    applicationFee: params.integer('application_fee_amount'),
    onBehalfOf: params.text('on_behalf_of'),
    receiptEmail: params.text('receipt_email'),
    setupFutureUsage: params.oneOf('setup_future_usage', ['off_session', 'on_session']),
    statementDescriptor: params.text('statement_descriptor'),
    statementDescriptorSuffix: params.text('statement_descriptor_suffix'),
    transfer: transfer && { destination: transfer.requiredText('destination'), amount: transfer.amount('amount') },
    transferGroup: params.text('transfer_group'),
  };
}

/** Whether customer, accounts and payment method exist and fit together. @throws StripeFailure */
export function checkReferences(world: World, book: Book, draft: IntentDraft): { paymentMethod: string | null } {
  if (draft.customer !== undefined && !book.get('customer', draft.customer)) {
    throw missing('customer', draft.customer, { param: 'customer', inPath: false });
  }
  if (draft.onBehalfOf !== undefined) checkDestination(world, draft.onBehalfOf, 'on_behalf_of');
  if (draft.transfer) checkDestination(world, draft.transfer.destination, 'transfer_data[destination]');
  if (draft.transfer?.amount !== undefined && draft.applicationFee !== undefined) {
    throw invalidRequest('You cannot use both `application_fee_amount` and `transfer_data[amount]`.', undefined, {
      param: 'application_fee_amount',
    });
  }
  if (draft.applicationFee !== undefined) {
    if (!draft.transfer && book.account === PLATFORM) {
      throw invalidRequest(
        'Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).',
        undefined,
        { param: 'application_fee_amount' },
      );
    }
    if (draft.applicationFee > draft.amount) {
      throw invalidRequest('The application fee cannot be larger than the amount of the payment.', undefined, {
        param: 'application_fee_amount',
      });
    }
  }
  if (draft.method === undefined) return { paymentMethod: null };
  const method = usePaymentMethod(world, book, draft.method);
  if (method.customer !== null && method.customer !== draft.customer) {
    throw invalidRequest(
      'The payment method you provided is attached to a customer so for security purposes you must provide the customer in the request.',
      undefined,
      { param: 'payment_method' },
    );
  }
  if (draft.allowedTypes && !draft.allowedTypes.includes(method.type)) {
    throw invalidRequest(
      `The PaymentMethod provided (${method.type}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: ${draft.allowedTypes.join(', ')}.`,
      'payment_intent_incompatible_payment_method',
      { param: 'payment_method' },
    );
  }
  return { paymentMethod: method.id };
}
