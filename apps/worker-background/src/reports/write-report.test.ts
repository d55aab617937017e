import { execFile } from 'node:child_process';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ReportStorage } from '@queue-service/report-storage';
import ExcelJS from 'exceljs';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { expect, it } from 'vitest';
import type { Chart, ReportTable, Row } from './table.ts';
import { type FormatName, writeReport } from './write-report.ts';

const live = new AbortController().signal;
const at = new Date('2027-01-02T03:04:05.678Z');
const columns = ['When', 'Venue', 'Count', 'Amount', 'Note', 'Paused'].map((title) => ({ title, width: 1 }));

function memory() {
  const files = new Map<string, Buffer>();
  const storage: ReportStorage = {
    put: async (name, body) => void files.set(name, await buffer(body)),
    open: () => Promise.reject(new Error('is not needed here')),
    remove: async (name) => void files.delete(name),
    close: () => undefined,
  };
  return { storage, file: () => files.get('report') ?? Buffer.alloc(0) };
}
async function* paged(rows: readonly Row[], size = 2) {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}
const tableOf = (rows: readonly Row[], chart: Chart | null = null): ReportTable => ({
  title: 'Queue health',
  about: ['From a to b'],
  createdAt: at,
  columns,
  chart,
  pages: paged(rows),
});
async function written(format: FormatName, table: ReportTable) {
  const { storage, file } = memory();
  const seen: number[] = [];
  const size = await writeReport({
    table,
    format,
    storage,
    name: 'report',
    signal: live,
    onRows: (rows) => seen.push(rows),
  });
  expect(size.bytes).toBe(file().length);
  return { ...size, file: file(), seen };
}
const money = (minor: bigint, currency = 'EUR') => ({ minor, currency });

it('writes CSV after RFC 4180', async () => {
  const { file, rows, seen } = await written(
    'csv',
    tableOf([
      [at, 'a "b", c', 3, money(-123_450n), 'two\nlines', true],
      [null, 'plain', 0.5, money(7n, 'JPY'), null, false],
      [at, 'ü', 1, money(1n), '', false],
    ]),
  );
  expect(file.toString()).toBe(
    [
      'When,Venue,Count,Amount,Note,Paused',
      '2027-01-02T03:04:05.678Z,"a ""b"", c",3,-1234.50,"two\nlines",true',
      ',plain,0.5,7,,false',
      '2027-01-02T03:04:05.678Z,ü,1,0.01,,false',
      '',
    ].join('\r\n'),
  );
  expect(rows).toBe(3);
  expect(seen).toEqual([2, 3]);
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '  =cmd|x'])(
  'keeps a spreadsheet from running %j',
  async (text) => {
    const { file } = await written('csv', tableOf([[null, text, null, null, null, null]]));
    expect(file.toString().split('\r\n').slice(1).join('\r\n')).toContain(`,"'${text}",`);
  },
);

it('writes a workbook that a spreadsheet reads back', async () => {
  const { file, rows } = await written(
    'xlsx',
    tableOf([
      [at, '=1+1', 3, money(-123_450n), 'x', true],
      [null, 'b', 0.5, money(9_007_199_254_740_993n), null, false],
      [at, 'c', 1, money(1_234n, 'KWD'), null, false],
    ]),
  );
  expect(rows).toBe(3);
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(file as unknown as ExcelJS.Buffer);
  const sheet = workbook.getWorksheet('Queue health');
  const cell = (place: string) => sheet?.getCell(place);
  expect(sheet?.getRow(1).values).toEqual([undefined, ...columns.map(({ title }) => title)]);
  expect(cell('A2')?.value).toEqual(at);
  expect(cell('B2')).toMatchObject({ value: '=1+1', type: ExcelJS.ValueType.String });
  expect(cell('D2')).toMatchObject({ value: -1234.5, numFmt: '#,##0.00' });
  expect(cell('D3')?.value).toBe('90071992547409.93');
  expect(cell('D4')).toMatchObject({ value: 1.234, numFmt: '#,##0.000' });
  expect(cell('F2')?.value).toBe(true);
});

const lines: Chart = {
  kind: 'lines',
  title: 'Most jobs waiting',
  from: new Date('2027-01-01T00:00:00Z'),
  to: new Date('2027-02-01T00:00:00Z'),
  lines: [
    { label: 'money', values: [0, 5, null, 40, 12] },
    { label: 'communication', values: [null, null, 3, null, null] },
  ],
};
const bars: Chart = {
  kind: 'bars',
  title: 'All venues, by currency',
  groups: ['EUR', 'JPY'].map((label) => ({
    label,
    bars: [
      { label: 'Gross', value: 100, text: '100.00' },
      { label: 'Net', value: -40, text: '-40.00' },
    ],
  })),
};

async function read(file: Buffer) {
  const document = await getDocument({ data: new Uint8Array(file), verbosity: 0 }).promise;
  const pages: { text: string; operators: number[] }[] = [];
  for (let number = 1; number <= document.numPages; number += 1) {
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    const { fnArray } = await page.getOperatorList();
    pages.push({ text: items.map((item) => ('str' in item ? item.str : '')).join(' '), operators: fnArray });
  }
  return pages;
}

it.each([
  ['lines', lines, 4, ['Most jobs waiting', 'money', 'communication', '40']],
  ['bars', bars, 3, ['All venues, by currency', 'EUR', 'JPY', 'Gross', '-40.00']],
])('draws %s on the first page of a PDF, and the rows on as many as they need', async (_kind, chart, count, texts) => {
  const rows = Array.from(
    { length: 100 },
    (_, n): Row => [at, `venue-${n} ü 漢`, n, money(BigInt(n)), 'x'.repeat(n), false],
  );
  const { file } = await written('pdf', tableOf(rows, chart));
  expect(file.subarray(0, 5).toString()).toBe('%PDF-');
  const pages = await read(file);
  expect(pages).toHaveLength(count);
  for (const text of ['Queue health', 'From a to b', ...texts]) expect(pages[0]?.text).toContain(text);
  // Paths: the drawing itself.
  expect(pages[0]?.operators.length).toBeGreaterThan(100);
  const all = pages.map(({ text }) => text).join(' ');
  for (let n = 0; n < 100; n += 1) expect(all).toContain(`venue-${n} ü ?`);
  expect(all).toContain('2027-01-02 03:04:05');
  expect(all).toContain('0.99');
});

it('writes an empty report in every format', async () => {
  expect((await written('csv', tableOf([]))).rows).toBe(0);
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load((await written('xlsx', tableOf([]))).file as unknown as ExcelJS.Buffer);
  expect(workbook.worksheets[0]?.rowCount).toBe(1);
  const [page] = await read((await written('pdf', tableOf([]))).file);
  expect(page?.text).toContain('Nothing in this period.');
});

it.each(['csv', 'xlsx', 'pdf'] as const)(
  'ends with the cause when the rows of a %s break, or the storage does',
  async (format) => {
    const { storage } = memory();
    const rest = { format, name: 'report', signal: live, onRows: () => undefined };
    async function* breaking() {
      yield [[at, 'a', 1, money(1n), null, false]] as Row[];
      throw new Error('the database went away');
    }
    const broken = { ...tableOf([]), pages: breaking() };
    await expect(writeReport({ ...rest, table: broken, storage })).rejects.toThrow('the database went away');

    const full = async (_name: string, body: Readable) => {
      for await (const _ of body) throw new Error('the disk is full');
    };
    const rows = Array.from({ length: 20_000 }, (): Row => [at, 'a', 1, money(1n), 'some text', false]);
    await expect(writeReport({ ...rest, table: tableOf(rows), storage: { ...storage, put: full } })).rejects.toThrow(
      'the disk is full',
    );

    const abort = new AbortController();
    const aborted = writeReport({
      ...rest,
      table: tableOf(rows),
      storage,
      signal: abort.signal,
      onRows: () => abort.abort(new Error('time-out')),
    });
    await expect(aborted).rejects.toThrow('time-out');
  },
);

it.each([
  ['csv', 1_000_000],
  ['xlsx', 200_000],
  ['pdf', 40_000],
] as const)(
  'fits %s of %i rows into 256 MiB',
  async (format, rows) => {
    // The options of `start`: what the runtime keeps is bounded by them, what a report keeps by nothing but its writer.
    const options = ['--max-semi-space-size=4', '--max-old-space-size=160'];
    const script = fileURLToPath(import.meta.resolve('../testing/write-many-rows.ts'));
    const { stdout } = await promisify(execFile)(process.execPath, [...options, script, format, String(rows)]);
    const { written: count, peakMiB } = JSON.parse(stdout) as { written: number; peakMiB: number };
    expect(count).toBe(rows);
    expect(peakMiB).toBeLessThan(256);
  },
  120_000,
);
