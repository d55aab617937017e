import type { Cell, ReportFormat } from '../table.ts';
import { cellText } from './cell-text.ts';
import { paced } from './paced.ts';

/** RFC 4180, UTF-8. */
export const writeCsv: ReportFormat = async (table, output, signal) => {
  let rows = 0;
  output.write(line(table.columns.map((column) => column.title)));
  for await (const page of table.pages) {
    output.write(page.map(line).join(''));
    rows += page.length;
    await paced(output, signal);
  }
  output.end();
  return rows;
};

function line(cells: readonly Cell[]): string {
  return `${cells.map(field).join(',')}\r\n`;
}

/**
 * Texts that a spreadsheet would run as a formula are quoted behind an apostrophe; numbers of ours are left alone, so that
 * a negative amount stays a number (https://owasp.org/www-community/attacks/CSV_Injection).
 */
function field(cell: Cell): string {
  const text = cellText(cell);
  if (typeof cell === 'string' && /^\s*[=+\-@\t\r]/.test(text)) return quoted(`'${text}`);
  return /[",\r\n]/.test(text) ? quoted(text) : text;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
