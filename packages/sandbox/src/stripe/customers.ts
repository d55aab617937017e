import { badParameter, missing } from './errors.ts';
import type { Customer, PaymentMethod } from './objects.ts';
import type { Params } from './params.ts';
import { createPaymentMethod, tokenMethod, usePaymentMethod } from './payment-methods.ts';
import type { Book } from './state.ts';
import { seconds, type World } from './world.ts';

export const CUSTOMER_PARAMS = [
  'address',
  'description',
  'email',
  'invoice_settings',
  'metadata',
  'name',
  'payment_method',
  'phone',
  'shipping',
] as const;
export const PAYMENT_METHOD_PARAMS = ['billing_details', 'card', 'metadata', 'type'] as const;

export function createCustomer(world: World, book: Book, params: Params): Customer {
  const settings = params.hash('invoice_settings', [
    'default_payment_method',
    'custom_fields',
    'footer',
    'rendering_options',
  ]);
  const method = params.text('payment_method');
  const defaultMethod = settings?.text('default_payment_method');
  const customer: Customer = {
    id: `cus_${world.ids.token(14)}`,
    object: 'customer',
    address: null,
    balance: 0,
    created: seconds(world),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: params.text('description') ?? null,
    discount: null,
    email: params.text('email') ?? null,
    invoice_prefix: world.ids.token(8).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: params.metadata(),
    name: params.text('name') ?? null,
    next_invoice_sequence: 1,
    phone: params.text('phone') ?? null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
  const attached = method === undefined ? undefined : usePaymentMethod(world, book, method);
  book.add('customer', customer);
  if (attached) attached.customer = customer.id;
  if (defaultMethod !== undefined)
    setDefault(world, book, customer, defaultMethod === method && attached ? attached.id : defaultMethod);
  world.emit(book, 'customer.created', customer);
  return customer;
}

export function updateCustomer(world: World, book: Book, customer: Customer, params: Params): Customer {
  const settings = params.hash('invoice_settings', [
    'default_payment_method',
    'custom_fields',
    'footer',
    'rendering_options',
  ]);
  const method = settings?.text('default_payment_method');
  if (method !== undefined) setDefault(world, book, customer, method);
  const email = params.text('email');
  if (email !== undefined) customer.email = email;
  if (params.has('metadata')) customer.metadata = { ...customer.metadata, ...params.metadata() };
  world.emit(book, 'customer.updated', customer);
  return customer;
}

/** `POST /v1/payment_methods` for a card, by test token or test number. */
export function newPaymentMethod(world: World, book: Book, params: Params): PaymentMethod {
  const type = params.requiredText('type');
  const metadata = params.metadata();
  params.anyHash('billing_details');
  const card = params.hash('card', ['token', 'number', 'exp_month', 'exp_year', 'cvc']);
  if (type !== 'card' || !card) throw badParameter('Missing required param: card.', 'card', 'parameter_missing');
  const token = card.text('token');
  if (token === undefined) {
    throw badParameter(
      'Sending credit card numbers directly to the Stripe API is generally unsafe. To continue processing use Stripe.js, the Stripe mobile bindings, or Stripe Elements.',
      'card[number]',
    );
  }
  return createPaymentMethod(world, book, tokenMethod(token), metadata);
}

export function attachPaymentMethod(world: World, book: Book, id: string, customerId: string): PaymentMethod {
  if (!book.get('customer', customerId)) throw missing('customer', customerId, { param: 'customer', inPath: false });
  const method = usePaymentMethod(world, book, id);
  method.customer = customerId;
  world.emit(book, 'payment_method.attached', method);
  return method;
}

function setDefault(world: World, book: Book, customer: Customer, id: string): void {
  const method = usePaymentMethod(world, book, id);
  if (method.customer !== customer.id) {
    throw missing('PaymentMethod', id, { param: 'invoice_settings[default_payment_method]', inPath: false });
  }
  customer.invoice_settings.default_payment_method = method.id;
}
