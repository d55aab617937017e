import PDFDocument from 'pdfkit';
import type { Cell, ReportFormat, ReportTable } from '../table.ts';
import { cellText, isMoney } from './cell-text.ts';
import { drawChart } from './chart.ts';
import { paced } from './paced.ts';

const margin = 36;
const size = 7;
const rowHeight = 11;
const padding = 3;
const dark = '#1f2937';
const light = '#6b7280';

/** A4 across: title and chart on the first page, then the rows. A page leaves as soon as the next begins. */
export const writePdf: ReportFormat = async (table, output, signal) => {
  const document = new PDFDocument({
    size: 'A4',
    layout: 'landscape',
    margin,
    info: { Title: table.title, CreationDate: table.createdAt },
  });
  document.pipe(output);
  const broken = new Promise<never>((_resolve, reject) => {
    document.once('error', reject);
    output.once('error', reject);
  });
  broken.catch(() => undefined);
  const sheet = createSheet(document, table);
  let rows = 0;
  sheet.begin();
  for await (const page of table.pages) {
    for (const row of page) {
      sheet.row(row);
      rows += 1;
    }
    await Promise.race([paced(output, signal), broken]);
  }
  if (rows === 0) sheet.note('Nothing in this period.');
  document.end();
  return rows;
};

function createSheet(document: PDFKit.PDFDocument, table: ReportTable) {
  const width = document.page.width - 2 * margin;
  const bottom = document.page.height - margin;
  const shares = table.columns.reduce((sum, column) => sum + column.width, 0);
  let left = margin;
  const columns = table.columns.map((column) => {
    const own = (column.width / shares) * width;
    const place = { left: left + padding, width: own - 2 * padding };
    left += own;
    return place;
  });
  let y = margin;
  let number = 1;

  const text = (value: string, x: number, options: { width: number; align?: 'left' | 'right' }) => {
    document.text(fitted(document, value, options.width), x, y + padding, { ...options, lineBreak: false });
  };
  const head = () => {
    document.font('Helvetica-Bold').fontSize(size).fillColor(dark);
    table.columns.forEach(({ title, numeric = false }, index) => {
      const place = columns[index];
      if (place !== undefined) text(title, place.left, { width: place.width, align: numeric ? 'right' : 'left' });
    });
    y += rowHeight + padding;
    document
      .moveTo(margin, y)
      .lineTo(margin + width, y)
      .lineWidth(0.75)
      .stroke(dark);
    document.font('Helvetica').fontSize(size);
  };
  const foot = () => {
    const label = `${table.title}, page ${number}`;
    document.font('Helvetica').fontSize(size).fillColor(light);
    document.text(label, margin, bottom + 6, { width, align: 'right', lineBreak: false, height: size });
  };
  const nextPage = () => {
    const last = document.page;
    document.addPage();
    // It is written; the document would keep it for its list of pages, where its number is enough.
    last.dictionary.data = {} as typeof last.dictionary.data;
    number += 1;
    y = margin;
    foot();
    head();
  };

  return {
    begin: () => {
      document.page.margins.bottom = 0;
      document.on('pageAdded', () => {
        document.page.margins.bottom = 0;
      });
      foot();
      document.font('Helvetica-Bold').fontSize(18).fillColor(dark).text(table.title, margin, y, { lineBreak: false });
      y += 24;
      document.font('Helvetica').fontSize(9).fillColor(light);
      for (const line of table.about) {
        document.text(line, margin, y, { lineBreak: false });
        y += 12;
      }
      y += 12;
      if (table.chart !== null)
        y = drawChart(document, table.chart, { x: margin, y, width, height: bottom - y - 12 }) + 24;
      // A head with no room for rows below it is better on the next page.
      if (y + 5 * rowHeight > bottom) nextPage();
      else head();
    },
    row: (cells: readonly Cell[]) => {
      if (y + rowHeight > bottom) nextPage();
      document.fillColor(dark);
      cells.forEach((cell, index) => {
        const place = columns[index];
        if (place === undefined || cell === null) return;
        const align = typeof cell === 'number' || isMoney(cell) ? 'right' : 'left';
        text(shown(cell), place.left, { width: place.width, align });
      });
      y += rowHeight;
    },
    note: (line: string) => {
      document.fillColor(light);
      text(line, margin + padding, { width });
    },
  };
}

function shown(cell: Cell): string {
  return cell instanceof Date ? cell.toISOString().slice(0, 19).replace('T', ' ') : cellText(cell);
}

/** What the standard fonts have no glyph for becomes a question mark; what is too long is cut. */
function fitted(document: PDFKit.PDFDocument, value: string, width: number): string {
  const printable = value.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '?');
  if (document.widthOfString(printable) <= width) return printable;
  let low = 0;
  let high = printable.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (document.widthOfString(`${printable.slice(0, middle)}...`) <= width) low = middle;
    else high = middle - 1;
  }
  return `${printable.slice(0, low)}...`;
}
