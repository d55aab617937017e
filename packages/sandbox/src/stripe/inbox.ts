import type { InboxEntry } from '../http/provider.ts';
import { money } from './currencies.ts';
import type { StripeState } from './state.ts';

/** Payments, refunds, transfers and payouts of all accounts, for the inbox page. */
export function paymentsInbox(state: StripeState): InboxEntry[] {
  return [...state.books.values()].flatMap((book) => [
    ...book.all('payment_intent').map((row) =>
      entry('Payments', row, `${money(row.amount, row.currency)} ${row.status}`, {
        description: row.description ?? '',
        error: row.last_payment_error?.message ?? '',
      }),
    ),
    ...book.all('refund').map((row) =>
      entry('Refunds', row, `${money(row.amount, row.currency)} ${row.status}`, {
        payment: row.payment_intent ?? row.charge ?? '',
      }),
    ),
    ...book
      .all('transfer')
      .map((row) => entry('Transfers', row, money(row.amount, row.currency), { destination: row.destination ?? '' })),
    ...book
      .all('payout')
      .map((row) =>
        entry('Payouts', row, `${money(row.amount, row.currency)} ${row.status}`, { account: book.account }),
      ),
  ]);
}

function entry(
  section: string,
  row: { id: string; created: number; metadata: { [key: string]: string } | null },
  title: string,
  fields: Record<string, string>,
): InboxEntry {
  const shown = Object.entries({ id: row.id, ...fields, ...row.metadata }).filter(([, value]) => value !== '');
  return { section, at: row.created * 1000, title, fields: Object.fromEntries(shown) };
}
