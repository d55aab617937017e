import { PassThrough, Transform } from 'node:stream';
import type { ReportStorage } from '@queue-service/report-storage';
import { writeCsv } from './formats/csv.ts';
import { writePdf } from './formats/pdf.ts';
import { writeXlsx } from './formats/xlsx.ts';
import type { ReportFormat, ReportTable } from './table.ts';

export type FormatName = 'csv' | 'xlsx' | 'pdf';

const formats: Readonly<Record<FormatName, { write: ReportFormat; contentType: string }>> = {
  csv: { write: writeCsv, contentType: 'text/csv; charset=utf-8' },
  xlsx: { write: writeXlsx, contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' },
  pdf: { write: writePdf, contentType: 'application/pdf' },
};

/** Writes a table into the storage as it is read: neither the rows nor the file are ever whole in memory. */
export async function writeReport(options: {
  table: ReportTable;
  format: FormatName;
  storage: ReportStorage;
  name: string;
  signal: AbortSignal;
  onRows: (rows: number) => void;
}): Promise<{ rows: number; bytes: number }> {
  const { format, storage, name } = options;
  const { write, contentType } = formats[format];
  // The first of the two to fail ends the other.
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  let bytes = 0;
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const output = new PassThrough();
  output.on('error', () => undefined);
  counted.on('error', () => undefined);
  output.pipe(counted);
  const stop = (error: unknown): never => {
    failed.abort(error);
    output.destroy();
    counted.destroy(error instanceof Error ? error : undefined);
    throw error;
  };
  const table = { ...options.table, pages: told(options.table.pages, options.onRows) };
  const written = write(table, output, signal).catch(stop);
  const stored = storage.put(name, counted, contentType, signal).catch(stop);
  const [rows, end] = await Promise.allSettled([written, stored]);
  // What failed first is the cause of the other's failure.
  if (failed.signal.aborted) throw failed.signal.reason;
  if (rows.status === 'rejected') throw rows.reason;
  if (end.status === 'rejected') throw end.reason;
  return { rows: rows.value, bytes };
}

async function* told<Page extends readonly unknown[]>(
  pages: AsyncIterable<Page>,
  onRows: (rows: number) => void,
): AsyncGenerator<Page> {
  let rows = 0;
  for await (const page of pages) {
    yield page;
    rows += page.length;
    onRows(rows);
  }
}
