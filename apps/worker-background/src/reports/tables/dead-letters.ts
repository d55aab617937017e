import { countDeadLettersByCode, pageDeadLetters, type ReportedDeadLetter } from '@queue-service/persistence';
import { type Column, keysetPages } from '../table.ts';
import type { TableOf } from './table-of.ts';

const columns: Column[] = [
  { title: 'Died at', width: 2.2 },
  { title: 'Job', width: 3.4 },
  { title: 'Venue', width: 1.6 },
  { title: 'Queue', width: 1.5 },
  { title: 'Type', width: 1.8 },
  { title: 'Reason', width: 1.2 },
  { title: 'Code', width: 2 },
  { title: 'Message', width: 4 },
  { title: 'Attempts', width: 0.9, numeric: true },
  { title: 'Redrives', width: 0.9, numeric: true },
  { title: 'Status', width: 1.2 },
  { title: 'Resolved at', width: 2.2 },
];

/** One row a dead letter, by when its job died. */
export const deadLetterTable: TableOf = async (sql, period) => {
  const counts = await countDeadLettersByCode(sql, period, 10);
  const bars = counts.map(({ code, count }) => ({ label: code, value: count, text: String(count) }));
  return {
    title: 'Dead letters',
    columns,
    chart: bars.length === 0 ? null : { kind: 'bars', title: 'By error code', groups: [{ label: '', bars }] },
    pages: keysetPages<ReportedDeadLetter>(
      (after, limit) => pageDeadLetters(sql, period, after, limit),
      (letter) => [
        letter.createdAt,
        letter.jobId,
        letter.tenantId,
        letter.queue,
        letter.type,
        letter.reason,
        letter.code,
        letter.message,
        letter.attempts,
        letter.redrives,
        letter.status,
        letter.resolvedAt,
      ],
    ),
  };
};
