import type { ReportStorage } from '@queue-service/report-storage';
import type { Row } from '../reports/table.ts';
import { type FormatName, writeReport } from '../reports/write-report.ts';

/** Run as a process of its own: `write-many-rows.ts <format> <rows>` prints how much memory that took at most. */
const [format, rows] = [process.argv[2] as FormatName, Number(process.argv[3])];

const storage: ReportStorage = {
  put: async (_name, body) => {
    for await (const _ of body);
  },
  open: () => Promise.reject(new Error('is not kept')),
  remove: () => Promise.resolve(),
  close: () => undefined,
};

async function* pages() {
  for (let start = 0; start < rows; start += 1_000) {
    yield Array.from({ length: Math.min(1_000, rows - start) }, (_, n): Row => {
      const number = start + n;
      const time = new Date(1_800_000_000_000 + number * 15_000);
      return [
        time,
        'communication',
        15,
        number,
        1,
        2,
        3,
        4,
        5,
        0.25,
        false,
        { minor: BigInt(number), currency: 'EUR' },
      ];
    });
  }
}

const { rows: written } = await writeReport({
  table: {
    title: 'Many rows',
    about: [],
    createdAt: new Date(0),
    columns: Array.from({ length: 12 }, (_, n) => ({ title: `Column ${n}`, width: 1 })),
    chart: null,
    pages: pages(),
  },
  format,
  storage,
  name: 'many',
  signal: new AbortController().signal,
  onRows: () => undefined,
});
process.stdout.write(JSON.stringify({ written, peakMiB: process.resourceUsage().maxRSS / 1024 }));
