import { type SettlementSums, type Sql, sumSettlement } from '@queue-service/persistence';
import { decimalsOf, decimalText, type Money } from '../money.ts';
import type { BarChart, Column, Row } from '../table.ts';
import type { TableOf } from './table-of.ts';

const columns: Column[] = [
  { title: 'Venue', width: 3 },
  { title: 'Currency', width: 1.2 },
  { title: 'Payments', width: 1.2, numeric: true },
  { title: 'Gross', width: 2, numeric: true },
  { title: 'Refunds', width: 1.2, numeric: true },
  { title: 'Refunded', width: 2, numeric: true },
  { title: 'Disputed', width: 1.6, numeric: true },
  { title: 'Fees', width: 1.6, numeric: true },
  { title: 'Fees returned', width: 1.8, numeric: true },
  { title: 'Net', width: 2, numeric: true },
  { title: 'Transferred', width: 2, numeric: true },
  { title: 'Paid out', width: 2, numeric: true },
];

/** What a venue has earned: what was paid, less what was given back, less the platform's fees that stayed. Minor units. */
export function netOf(sums: SettlementSums): bigint {
  return sums.gross - sums.refunded - sums.disputed - sums.fees + sums.feesReturned;
}

/** One row a venue and currency, from the ledger. */
export const settlementTable: TableOf = async (sql: Sql, period) => {
  const all = await sumSettlement(sql, period);
  return { title: 'Settlement', columns, chart: chartOf(all), pages: [all.map(rowOf)] };
};

function rowOf(sums: SettlementSums): Row {
  const money = (minor: bigint): Money => ({ minor, currency: sums.currency });
  return [
    sums.tenantId,
    sums.currency,
    Number(sums.payments),
    money(sums.gross),
    Number(sums.refunds),
    money(sums.refunded),
    money(sums.disputed),
    money(sums.fees),
    money(sums.feesReturned),
    money(netOf(sums)),
    money(sums.transferred),
    money(sums.paidOut),
  ];
}

const bars: { label: string; of: (sums: SettlementSums) => bigint }[] = [
  { label: 'Gross', of: (sums) => sums.gross },
  { label: 'Refunded', of: (sums) => sums.refunded },
  { label: 'Fees', of: (sums) => sums.fees - sums.feesReturned },
  { label: 'Net', of: netOf },
  { label: 'Paid out', of: (sums) => sums.paidOut },
];

/** All venues together, for the currencies in which most payments were made. */
function chartOf(all: SettlementSums[]): BarChart | null {
  const byCurrency = Map.groupBy(all, (sums) => sums.currency);
  const payments = (rows: SettlementSums[]) => rows.reduce((sum, row) => sum + row.payments, 0n);
  const most = [...byCurrency].sort(([, a], [, b]) => Number(payments(b) - payments(a))).slice(0, 4);
  if (most.length === 0) return null;
  const groups = most.map(([currency, rows]) => ({
    label: currency,
    bars: bars.map(({ label, of }) => {
      const minor = rows.reduce((sum, row) => sum + of(row), 0n);
      return { label, value: Number(minor) / 10 ** decimalsOf(currency), text: decimalText({ minor, currency }) };
    }),
  }));
  return { kind: 'bars', title: 'All venues, by currency', groups };
}
