import { badParameter, invalidRequest, missing } from './errors.ts';
import type { PaymentMethod } from './objects.ts';
import type { Book } from './state.ts';
import { methodOfToken, TEST_METHODS, type TestMethod } from './test-methods.ts';
import { newId, seconds, type World } from './world.ts';

const NO_ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };
const NO_BILLING = { address: NO_ADDRESS, email: null, name: null, phone: null, tax_id: null };
const EXPIRY_YEAR = 2034;

/**
 * The PaymentMethod that a parameter names. As at Stripe, one of the test names makes a new object on each use.
 * @throws StripeFailure `resource_missing`
 */
export function usePaymentMethod(world: World, book: Book, id: string): PaymentMethod {
  const stored = book.get('payment_method', id);
  if (stored) return stored;
  if (!(id in TEST_METHODS)) throw missing('PaymentMethod', id, { param: 'payment_method', inPath: false });
  return createPaymentMethod(world, book, id, {});
}

export function createPaymentMethod(
  world: World,
  book: Book,
  name: string,
  metadata: Record<string, string>,
): PaymentMethod {
  const method = TEST_METHODS[name];
  if (!method) throw badParameter(`No such token: '${name}'`, 'card[token]', 'resource_missing');
  const id = newId(world, 'pm');
  book.testMethods.set(id, name);
  return book.add('payment_method', {
    id,
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { ...NO_BILLING },
    created: seconds(world),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata,
    type: method.type,
    ...details(method),
  });
}

/** The card that `card[token]` names. */
export function tokenMethod(token: string): string {
  const name = methodOfToken(token);
  if (!name) throw invalidRequest(`No such token: '${token}'`, 'resource_missing', { param: 'card[token]' });
  return name;
}

export function behaviourOf(book: Book, paymentMethod: string | null): TestMethod {
  const name = paymentMethod === null ? undefined : book.testMethods.get(paymentMethod);
  return (name === undefined ? undefined : TEST_METHODS[name]) ?? { type: 'card', brand: 'visa', last4: '4242' };
}

function details(method: TestMethod): Partial<PaymentMethod> {
  if (method.type === 'us_bank_account') {
    return {
      us_bank_account: {
        account_holder_type: 'individual',
        account_type: 'checking',
        bank_name: 'STRIPE TEST BANK',
        financial_connections_account: null,
        fingerprint: `ba${method.last4}fingerprint`,
        last4: method.last4,
        networks: { preferred: 'ach', supported: ['ach'] },
        routing_number: '110000000',
        status_details: {},
      },
    };
  }
  if (method.type === 'sepa_debit') {
    return {
      sepa_debit: {
        bank_code: '37040044',
        branch_code: null,
        country: 'DE',
        fingerprint: `sd${method.last4}fingerprint`,
        generated_from: { charge: null, setup_attempt: null },
        last4: method.last4,
      },
    };
  }
  const brand = method.brand ?? 'visa';
  return {
    card: {
      brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      display_brand: brand,
      exp_month: 8,
      exp_year: EXPIRY_YEAR,
      fingerprint: `${brand}${method.last4}fingerprint`,
      funding: 'credit',
      generated_from: null,
      last4: method.last4,
      networks: { available: [brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
  };
}

/** `payment_method_details` of a charge. */
export function chargeDetails(method: TestMethod, amount: number) {
  if (method.type === 'us_bank_account') {
    return {
      type: 'us_bank_account',
      us_bank_account: {
        account_holder_type: 'individual',
        account_type: 'checking',
        bank_name: 'STRIPE TEST BANK',
        fingerprint: `ba${method.last4}fingerprint`,
        last4: method.last4,
        payment_reference: null,
        routing_number: '110000000',
      },
    };
  }
  if (method.type === 'sepa_debit') {
    return {
      type: 'sepa_debit',
      sepa_debit: {
        bank_code: '37040044',
        branch_code: null,
        country: 'DE',
        fingerprint: `sd${method.last4}fingerprint`,
        last4: method.last4,
        mandate: null,
      },
    };
  }
  const brand = method.brand ?? 'visa';
  return {
    type: 'card',
    card: {
      amount_authorized: amount,
      authorization_code: null,
      brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      exp_month: 8,
      exp_year: EXPIRY_YEAR,
      extended_authorization: { status: 'disabled' },
      fingerprint: `${brand}${method.last4}fingerprint`,
      funding: 'credit',
      incremental_authorization: { status: 'unavailable' },
      installments: null,
      last4: method.last4,
      mandate: null,
      multicapture: { status: 'unavailable' },
      network: brand,
      network_token: { used: false },
      network_transaction_id: null,
      overcapture: { maximum_amount_capturable: amount, status: 'unavailable' },
      regulated_status: 'unregulated',
      three_d_secure: null,
      wallet: null,
    },
  };
}
