import type { ReportPeriod, Sql } from '@queue-service/persistence';
import type { Chart, Column, Row } from '../table.ts';

/** Makes the content of one kind of report. The rows are read as they are taken. */
export type TableOf = (
  sql: Sql,
  period: ReportPeriod,
) => Promise<{
  title: string;
  columns: Column[];
  chart: Chart | null;
  pages: AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>;
}>;
