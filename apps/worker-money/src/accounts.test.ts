import type { JobInput } from '@queue-service/contracts';
import { deleteTenantAccount, listEffects } from '@queue-service/persistence';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MoneyFleet, startMoneyFleet } from './testing/money-fleet.ts';

let fleet: MoneyFleet;
beforeAll(async () => {
  fleet = await startMoneyFleet();
  await fleet.allow('venue-1', 'acct_1Venue');
});
afterAll(() => fleet.stop());

const transfer: JobInput<'payout-process'> = {
  ...{ destinationAccountId: 'acct_1Venue', amount: 700, currency: 'eur', mode: 'transfer' },
};
const payment: JobInput<'payment-process'> = {
  ...{ orderId: 'o', amount: 5_000, currency: 'eur', paymentMethodId: 'pm_card_visa' },
};
const end = async (id: string) => {
  const { status, error } = await fleet.ended(id);
  return error?.code ?? status;
};

it('pays the accounts on the list of the tenant and no others', async () => {
  const { post } = fleet;
  const allowed = [await post('payout-process', transfer), await post('payout-process', transfer, 'platform')];
  const other = { ...transfer, destinationAccountId: 'acct_1Other' };
  const refused = [
    await post('payout-process', transfer, 'venue-2'),
    await post('payout-process', other),
    await post('payout-process', { ...other, mode: 'payout' }),
    await post('payment-process', { ...payment, connectedAccountId: 'acct_1Other' }),
    await post('payment-process', { ...payment, connectedAccountId: 'acct_1Venue' }, 'venue-2'),
  ];
  expect(await Promise.all(allowed.map(end))).toEqual(['completed', 'completed']);
  expect(await Promise.all(refused.map(end))).toEqual(refused.map(() => 'account_not_allowed'));
  expect(await Promise.all(refused.map((id) => listEffects(fleet.runtime.db, id)))).toEqual(refused.map(() => []));
  expect(fleet.stripe.all('transfer')).toHaveLength(2);
  expect(fleet.stripe.all('payment_intent')).toHaveLength(0);
});

it('finishes what was sent before the account was taken off the list', async () => {
  fleet.stripe.faults.add({ match: { method: 'POST', path: /transfers/ }, do: { kind: 'reset-after-work' } });
  const id = await fleet.post('payout-process', { ...transfer, amount: 701 });
  await expect.poll(() => fleet.stripe.all('transfer').some(({ amount }) => amount === 701)).toBe(true);
  await deleteTenantAccount(fleet.runtime.db, 'venue-1', 'acct_1Venue');
  expect(await end(id)).toBe('completed');
  expect(fleet.stripe.all('transfer').filter(({ amount }) => amount === 701)).toHaveLength(1);
});
