import {
  attachPaymentMethod,
  CUSTOMER_PARAMS,
  createCustomer,
  newPaymentMethod,
  PAYMENT_METHOD_PARAMS,
  updateCustomer,
} from './customers.ts';
import type { Call, Endpoint } from './endpoint.ts';
import { missing } from './errors.ts';
import {
  CAPTURE_PARAMS,
  CONFIRM_PARAMS,
  CREATE_PARAMS,
  cancelIntent,
  captureIntent,
  confirmExisting,
  createIntent,
  UPDATE_PARAMS,
  updateIntent,
} from './intents.ts';
import { LIST_PARAMS, page } from './lists.ts';
import type { RowName, Rows } from './objects.ts';
import { usePaymentMethod } from './payment-methods.ts';
import { createRefund, REFUND_PARAMS } from './refunds.ts';
import { compileSearch } from './search.ts';

const SEARCH_PARAMS = ['query', 'limit', 'page'] as const;

/** PaymentIntents, charges, refunds, disputes, customers and payment methods. */
export const PAYMENT_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/v1/payment_intents',
    params: CREATE_PARAMS,
    run: ({ world, book, params }) => createIntent(world, book, params),
  },
  {
    method: 'get',
    path: '/v1/payment_intents',
    params: [...LIST_PARAMS, 'customer'],
    run: (call) => filtered(call, 'payment_intent', ['customer']),
  },
  {
    method: 'get',
    path: '/v1/payment_intents/search',
    params: SEARCH_PARAMS,
    run: (call) => search(call, 'payment_intent'),
  },
  {
    method: 'get',
    path: '/v1/payment_intents/:id',
    params: ['client_secret'],
    run: (call) => one(call, 'payment_intent', 'intent'),
  },
  {
    method: 'post',
    path: '/v1/payment_intents/:id',
    params: UPDATE_PARAMS,
    run: (call) => updateIntent(call.world, call.book, one(call, 'payment_intent', 'intent'), call.params),
  },
  {
    method: 'post',
    path: '/v1/payment_intents/:id/confirm',
    params: CONFIRM_PARAMS,
    run: (call) => confirmExisting(call.world, call.book, one(call, 'payment_intent', 'intent'), call.params),
  },
  {
    method: 'post',
    path: '/v1/payment_intents/:id/capture',
    params: CAPTURE_PARAMS,
    run: (call) => captureIntent(call.world, call.book, one(call, 'payment_intent', 'intent'), call.params),
  },
  {
    method: 'post',
    path: '/v1/payment_intents/:id/cancel',
    params: ['cancellation_reason'],
    run: (call) => {
      const reason = call.params.oneOf('cancellation_reason', [
        'duplicate',
        'fraudulent',
        'requested_by_customer',
        'abandoned',
      ]);
      return cancelIntent(call.world, call.book, one(call, 'payment_intent', 'intent'), reason ?? null);
    },
  },
  {
    method: 'get',
    path: '/v1/charges',
    params: [...LIST_PARAMS, 'customer', 'payment_intent', 'transfer_group'],
    run: (call) => filtered(call, 'charge', ['customer', 'payment_intent', 'transfer_group']),
  },
  { method: 'get', path: '/v1/charges/search', params: SEARCH_PARAMS, run: (call) => search(call, 'charge') },
  { method: 'get', path: '/v1/charges/:id', params: [], run: (call) => one(call, 'charge', 'id') },
  {
    method: 'post',
    path: '/v1/refunds',
    params: REFUND_PARAMS,
    run: ({ world, book, params }) => createRefund(world, book, params),
  },
  {
    method: 'get',
    path: '/v1/refunds',
    params: [...LIST_PARAMS, 'charge', 'payment_intent'],
    run: (call) => filtered(call, 'refund', ['charge', 'payment_intent']),
  },
  { method: 'get', path: '/v1/refunds/:id', params: [], run: (call) => one(call, 'refund', 'id') },
  {
    method: 'get',
    path: '/v1/disputes',
    params: [...LIST_PARAMS, 'charge', 'payment_intent'],
    run: (call) => filtered(call, 'dispute', ['charge', 'payment_intent']),
  },
  { method: 'get', path: '/v1/disputes/:id', params: [], run: (call) => one(call, 'dispute', 'dispute') },
  {
    method: 'post',
    path: '/v1/customers',
    params: CUSTOMER_PARAMS,
    run: ({ world, book, params }) => createCustomer(world, book, params),
  },
  {
    method: 'get',
    path: '/v1/customers',
    params: [...LIST_PARAMS, 'email'],
    run: (call) => filtered(call, 'customer', ['email']),
  },
  { method: 'get', path: '/v1/customers/search', params: SEARCH_PARAMS, run: (call) => search(call, 'customer') },
  { method: 'get', path: '/v1/customers/:id', params: [], run: (call) => one(call, 'customer', 'id') },
  {
    method: 'post',
    path: '/v1/customers/:id',
    params: CUSTOMER_PARAMS,
    run: (call) => updateCustomer(call.world, call.book, one(call, 'customer', 'id'), call.params),
  },
  {
    method: 'get',
    path: '/v1/customers/:id/payment_methods',
    params: [...LIST_PARAMS, 'type'],
    run: (call) => methodsOf(call, one(call, 'customer', 'customer').id),
  },
  {
    method: 'post',
    path: '/v1/payment_methods',
    params: PAYMENT_METHOD_PARAMS,
    run: ({ world, book, params }) => newPaymentMethod(world, book, params),
  },
  {
    method: 'get',
    path: '/v1/payment_methods',
    params: [...LIST_PARAMS, 'customer', 'type'],
    run: (call) => methodsOf(call, call.params.text('customer')),
  },
  {
    method: 'get',
    path: '/v1/payment_methods/:id',
    params: [],
    run: ({ world, book, id }) => usePaymentMethod(world, book, id),
  },
  {
    method: 'post',
    path: '/v1/payment_methods/:id/attach',
    params: ['customer'],
    run: ({ world, book, id, params }) => attachPaymentMethod(world, book, id, params.requiredText('customer')),
  },
  {
    method: 'post',
    path: '/v1/payment_methods/:id/detach',
    params: [],
    run: (call) => {
      const method = one(call, 'payment_method', 'payment_method');
      method.customer = null;
      return method;
    },
  },
];

/** The row that the path names. @throws StripeFailure 404 */
export function one<N extends RowName>({ book, id }: Call, name: N, param: string): Rows[N] {
  const row = book.get(name, id);
  if (!row) throw missing(name === 'payment_method' ? 'PaymentMethod' : name, id, { param, inPath: true });
  return row;
}

/** A page of the rows whose fields equal the parameters of the same name. */
export function filtered<N extends RowName>(
  { book, params, path }: Call,
  name: N,
  fields: readonly (keyof Rows[N] & string)[],
) {
  const wanted = fields.map((field) => [field, params.text(field)] as const).filter(([, value]) => value !== undefined);
  const rows = book.all(name).filter((row) => wanted.every(([field, value]) => row[field] === value));
  return page(rows, params, path);
}

function methodsOf({ book, params, path }: Call, customer: string | undefined) {
  const type = params.text('type');
  const rows = book
    .all('payment_method')
    .filter((row) => row.customer !== null && row.customer === customer && (type === undefined || row.type === type));
  return page(rows, params, path);
}

function search({ world, book, params, path }: Call, name: 'payment_intent' | 'charge' | 'customer') {
  const matches = compileSearch(params.requiredText('query'));
  const limit = params.integer('limit') ?? 10;
  const offset = Number(params.text('page') ?? 0);
  // The index runs behind: what is younger than the delay is not in it.
  const indexedUntil = Math.floor((world.clock.now() - world.settings.searchDelayMs) / 1000);
  const rows = book
    .all(name)
    .filter((row) => row.created <= indexedUntil && matches(row as unknown as Record<string, unknown>))
    .toReversed();
  const more = rows.length > offset + limit;
  return {
    object: 'search_result' as const,
    data: rows.slice(offset, offset + limit),
    has_more: more,
    next_page: more ? String(offset + limit) : null,
    url: path,
  };
}
