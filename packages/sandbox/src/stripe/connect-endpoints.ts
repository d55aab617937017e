import { ACCOUNT_PARAMS, createAccount, platformAccount } from './accounts.ts';
import type { Call, Endpoint } from './endpoint.ts';
import { missing, StripeFailure } from './errors.ts';
import { balance, makeAvailable } from './ledger.ts';
import { LIST_PARAMS, page } from './lists.ts';
import type { Account } from './objects.ts';
import { filtered, one } from './payment-endpoints.ts';
import { cancelPayout, createPayout, PAYOUT_PARAMS } from './payouts.ts';
import { PLATFORM } from './state.ts';
import { createTransfer, reverseTransfer, TRANSFER_PARAMS } from './transfers.ts';

/** Accounts, transfers, payouts, the balance with its transactions, application fees and events. */
export const CONNECT_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/v1/transfers',
    params: TRANSFER_PARAMS,
    run: ({ world, book, params }) => createTransfer(world, book, params),
  },
  {
    method: 'get',
    path: '/v1/transfers',
    params: [...LIST_PARAMS, 'destination', 'transfer_group'],
    run: (call) => filtered(call, 'transfer', ['destination', 'transfer_group']),
  },
  { method: 'get', path: '/v1/transfers/:id', params: [], run: (call) => one(call, 'transfer', 'transfer') },
  {
    method: 'post',
    path: '/v1/transfers/:id/reversals',
    params: ['amount', 'description', 'metadata', 'refund_application_fee'],
    run: (call) => reverseTransfer(call.world, call.book, one(call, 'transfer', 'transfer'), call.params),
  },
  {
    method: 'get',
    path: '/v1/transfers/:id/reversals',
    params: LIST_PARAMS,
    run: (call) => {
      const { id } = one(call, 'transfer', 'transfer');
      return page(
        call.book.all('transfer_reversal').filter((row) => row.transfer === id),
        call.params,
        call.path,
      );
    },
  },
  {
    method: 'post',
    path: '/v1/payouts',
    params: PAYOUT_PARAMS,
    run: ({ world, book, params }) => createPayout(world, book, params),
  },
  {
    method: 'get',
    path: '/v1/payouts',
    params: [...LIST_PARAMS, 'status', 'destination', 'arrival_date'],
    run: (call) => filtered(call, 'payout', ['status', 'destination']),
  },
  { method: 'get', path: '/v1/payouts/:id', params: [], run: (call) => one(call, 'payout', 'payout') },
  {
    method: 'post',
    path: '/v1/payouts/:id/cancel',
    params: [],
    run: (call) => cancelPayout(call.world, call.book, one(call, 'payout', 'payout')),
  },
  { method: 'get', path: '/v1/balance', params: [], run: ({ world, book }) => balance(world, book) },
  {
    method: 'get',
    path: '/v1/balance_transactions',
    params: [...LIST_PARAMS, 'type', 'currency', 'source', 'payout'],
    run: (call) => {
      makeAvailable(call.world, call.book);
      return filtered(call, 'balance_transaction', ['type', 'currency', 'source']);
    },
  },
  {
    method: 'get',
    path: '/v1/balance_transactions/:id',
    params: [],
    run: (call) => {
      makeAvailable(call.world, call.book);
      return one(call, 'balance_transaction', 'id');
    },
  },
  {
    method: 'get',
    path: '/v1/application_fees',
    params: [...LIST_PARAMS, 'charge'],
    run: (call) => filtered(call, 'application_fee', ['charge']),
  },
  { method: 'get', path: '/v1/application_fees/:id', params: [], run: (call) => one(call, 'application_fee', 'id') },
  { method: 'get', path: '/v1/account', params: [], run: (call) => accountOf(call, call.book.account) },
  { method: 'post', path: '/v1/accounts', params: ACCOUNT_PARAMS, run: newAccount },
  {
    method: 'get',
    path: '/v1/accounts',
    params: LIST_PARAMS,
    run: ({ world, params, path }) => {
      const accounts = [...world.state.accounts.values()]
        .filter((entry) => !entry.revoked)
        .map((entry) => entry.account);
      return page(
        accounts.map((account) => ({ ...account, created: account.created ?? 0 })),
        params,
        path,
      );
    },
  },
  { method: 'get', path: '/v1/accounts/:id', params: [], run: (call) => accountOf(call, call.id) },
  {
    method: 'get',
    path: '/v1/events',
    params: [...LIST_PARAMS, 'type', 'types', 'delivery_success'],
    run: (call) => {
      const type = call.params.text('type');
      const types = call.params.texts('types') ?? (type === undefined ? undefined : [type]);
      call.params.flag('delivery_success');
      const rows = call.book
        .all('event')
        .filter((event) => types === undefined || types.some((wanted) => ofType(event.type, wanted)));
      return page(rows, call.params, call.path);
    },
  },
  { method: 'get', path: '/v1/events/:id', params: [], run: (call) => one(call, 'event', 'id') },
];

function newAccount({ world, params }: Call): Account {
  return createAccount(world, {
    country: params.text('country'),
    currency: params.text('default_currency'),
    email: params.text('email'),
    metadata: params.metadata(),
  });
}

/** @throws StripeFailure 403 `account_invalid` */
function accountOf({ world }: Call, id: string): Account {
  if (id === PLATFORM) return platformAccount(world);
  const entry = world.state.accounts.get(id);
  if (!entry) throw missing('account', id, { param: 'account', inPath: true });
  if (entry.revoked) {
    throw new StripeFailure(
      403,
      {
        type: 'invalid_request_error',
        code: 'account_invalid',
        message: `The provided key does not have access to account '${id}' (or that account does not exist). Application access may have been revoked.`,
      },
      { saved: false },
    );
  }
  return entry.account;
}

function ofType(type: string, wanted: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}
