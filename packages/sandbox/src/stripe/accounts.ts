import { StripeFailure } from './errors.ts';
import { list } from './lists.ts';
import type { Account } from './objects.ts';
import { type Book, PLATFORM } from './state.ts';
import { seconds, type World } from './world.ts';

export const ACCOUNT_PARAMS = [
  'business_profile',
  'business_type',
  'capabilities',
  'company',
  'controller',
  'country',
  'default_currency',
  'email',
  'external_account',
  'individual',
  'metadata',
  'settings',
  'tos_acceptance',
  'type',
] as const;

export interface NewAccount {
  id?: string | undefined;
  country?: string | undefined;
  currency?: string | undefined;
  email?: string | undefined;
  metadata?: Record<string, string>;
}

/** A connected account that is through its onboarding: charges, transfers and payouts are on. */
export function createAccount(world: World, options: NewAccount = {}): Account {
  const account = blankAccount(options.id ?? `acct_1${world.ids.token(15)}`, seconds(world), options);
  world.state.accounts.set(account.id, { account, revoked: false });
  world.state.book(account.id);
  return account;
}

/** The platform's own account. */
export function platformAccount(world: World): Account {
  return blankAccount(PLATFORM, seconds(world), {});
}

/**
 * `restricted`: transfers and payouts are refused until requirements are met. `revoked`: the platform's access is gone.
 * @throws RangeError for an account that does not exist
 */
export function disableAccount(world: World, id: string, mode: 'restricted' | 'revoked'): void {
  const entry = world.state.accounts.get(id);
  if (!entry) throw new RangeError(`no account ${id}`);
  if (mode === 'revoked') {
    entry.revoked = true;
    return;
  }
  const { account } = entry;
  account.charges_enabled = false;
  account.payouts_enabled = false;
  account.capabilities = { card_payments: 'inactive', transfers: 'inactive' };
  if (account.requirements) {
    account.requirements.disabled_reason = 'requirements.past_due';
    account.requirements.past_due = ['individual.verification.document'];
    account.requirements.currently_due = ['individual.verification.document'];
  }
  world.emit(world.state.book(id), 'account.updated', account);
}

/** The book that a request's `Stripe-Account` header asks for. @throws StripeFailure 403 `account_invalid` */
export function bookOf(world: World, header: string | undefined, maskedKey: string): Book {
  if (header === undefined || header === PLATFORM) return world.state.platform;
  const entry = world.state.accounts.get(header);
  if (!entry || entry.revoked) {
    throw new StripeFailure(
      403,
      {
        type: 'invalid_request_error',
        code: 'account_invalid',
        message: `The provided key '${maskedKey}' does not have access to account '${header}' (or that account does not exist). Application access may have been revoked.`,
      },
      { saved: false },
    );
  }
  return world.state.book(header);
}

function blankAccount(id: string, created: number, options: NewAccount): Account {
  const requirements = {
    alternatives: [],
    current_deadline: null,
    currently_due: [],
    disabled_reason: null,
    errors: [],
    eventually_due: [],
    past_due: [],
    pending_verification: [],
  };
  return {
    id,
    object: 'account',
    business_profile: null,
    business_type: null,
    capabilities: { card_payments: 'active', transfers: 'active' },
    charges_enabled: true,
    controller: { type: 'application', is_controller: true },
    country: options.country ?? 'US',
    created,
    default_currency: options.currency ?? 'usd',
    details_submitted: true,
    email: options.email ?? null,
    external_accounts: bankAccounts(id, options) as unknown as NonNullable<Account['external_accounts']>,
    future_requirements: { ...requirements } as Account['future_requirements'] & object,
    metadata: options.metadata ?? {},
    payouts_enabled: true,
    requirements: { ...requirements } as Account['requirements'] & object,
    settings: null,
    tos_acceptance: { date: created, ip: null, user_agent: null },
    type: 'express',
  };
}

/** The bank account that payouts go to. */
function bankAccounts(account: string, options: NewAccount) {
  const bankAccount = {
    id: bankAccountOf(account),
    object: 'bank_account',
    account,
    account_holder_name: null,
    account_holder_type: 'company',
    account_type: null,
    available_payout_methods: ['standard'],
    bank_name: 'STRIPE TEST BANK',
    country: options.country ?? 'US',
    currency: options.currency ?? 'usd',
    default_for_currency: true,
    fingerprint: `ba${account.slice(-6)}fingerprint`,
    last4: '6789',
    metadata: {},
    routing_number: '110000000',
    status: 'new',
  };
  return list([bankAccount], false, `/v1/accounts/${account}/external_accounts`);
}

/** The id of an account's only bank account. */
export function bankAccountOf(account: string): string {
  return `ba_1Sandbox${account.slice(-8)}`;
}
