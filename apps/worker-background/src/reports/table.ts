import type { Money } from './money.ts';

export type Cell = string | number | boolean | Date | Money | null;
export type Row = readonly Cell[];

export interface Column {
  title: string;
  /** Share of a page's width, relative to the other columns. */
  width: number;
  /** Its head stands to the right, like its numbers. */
  numeric?: boolean;
}

/** Bars in groups, each group to a scale of its own: amounts of two currencies cannot be compared. */
export interface BarChart {
  kind: 'bars';
  title: string;
  groups: { label: string; bars: { label: string; value: number; text: string }[] }[];
}

/** Lines over equal steps of time. */
export interface LineChart {
  kind: 'lines';
  title: string;
  from: Date;
  to: Date;
  /** Null: nothing is known of that step. */
  lines: { label: string; values: (number | null)[] }[];
}

export type Chart = BarChart | LineChart;

/** A report before it has a format. Rows come in pages, so that nobody ever holds all of them. */
export interface ReportTable {
  title: string;
  /** What it covers, a line each. */
  about: string[];
  /** Written into the file: the same for each attempt of a job. */
  createdAt: Date;
  columns: Column[];
  chart: Chart | null;
  pages: AsyncIterable<readonly Row[]>;
}

/** Writes a table and ends the output. Resolves to the number of rows when the last byte is handed over. */
export type ReportFormat = (table: ReportTable, output: NodeJS.WritableStream, signal: AbortSignal) => Promise<number>;

/** Pages of a keyset: `fetch` gets the last record it gave. */
export async function* keysetPages<Item>(
  fetch: (after: Item | null, limit: number) => Promise<Item[]>,
  rowOf: (item: Item) => Row,
  limit = 1_000,
): AsyncGenerator<Row[]> {
  let after: Item | null = null;
  for (;;) {
    const items: Item[] = await fetch(after, limit);
    if (items.length > 0) yield items.map(rowOf);
    const last = items.at(-1);
    if (last === undefined || items.length < limit) return;
    after = last;
  }
}
