import type { Writable } from 'node:stream';
import ExcelJS from 'exceljs';
import { decimalsOf, decimalText } from '../money.ts';
import type { Cell, ReportFormat, ReportTable } from '../table.ts';
import { isMoney } from './cell-text.ts';
import { paced } from './paced.ts';

/** A sheet takes 1,048,576 rows: https://support.microsoft.com/office/excel-specifications-and-limits */
const rowsPerSheet = 1_000_000;

/** One sheet, or as many as the rows need, each with the head. Times are UTC. */
export const writeXlsx: ReportFormat = async (table, output, signal) => {
  const workbook = new ExcelJS.stream.xlsx.WorkbookWriter({
    stream: output as Writable,
    useStyles: true,
    useSharedStrings: false,
    zip: { zlib: { level: 3 } },
  });
  workbook.created = table.createdAt;
  workbook.modified = table.createdAt;
  let sheet = addSheet(workbook, table, 1);
  let rows = 0;
  for await (const page of table.pages) {
    for (const cells of page) {
      if (rows > 0 && rows % rowsPerSheet === 0) {
        sheet.commit();
        sheet = addSheet(workbook, table, rows / rowsPerSheet + 1);
      }
      const row = sheet.addRow(cells.map(spreadsheetValue));
      cells.forEach((cell, index) => {
        const style = styleOf(cell);
        if (style !== null) row.getCell(index + 1).style = style;
      });
      row.commit();
      rows += 1;
    }
    await paced(compressorOf(sheet) ?? output, signal);
    await paced(output, signal);
  }
  sheet.commit();
  await workbook.commit();
  return rows;
};

function addSheet(workbook: ExcelJS.stream.xlsx.WorkbookWriter, table: ReportTable, number: number): ExcelJS.Worksheet {
  const sheet = workbook.addWorksheet(number === 1 ? table.title : `${table.title} ${number}`, {
    views: [{ state: 'frozen', ySplit: 1 }],
  });
  sheet.columns = table.columns.map(({ title, width }) => ({ header: title, width: Math.max(10, width * 8) }));
  sheet.getRow(1).font = { bold: true };
  sheet.getRow(1).commit();
  return sheet;
}

/**
 * The stream that feeds a sheet to the compressor. The writer never waits for it, whatever its size, and tells of it in no
 * other way: without a look at it, rows that are read faster than they are compressed pile up.
 * https://github.com/exceljs/exceljs/issues/734
 */
function compressorOf(sheet: ExcelJS.Worksheet): NodeJS.WritableStream | undefined {
  const { stream } = sheet as unknown as { stream?: { pipes?: NodeJS.WritableStream[] } };
  return stream?.pipes?.[0];
}

/** A spreadsheet's numbers have 53 bits: an amount that does not fit in them is written as text rather than rounded. */
function spreadsheetValue(cell: Cell): string | number | boolean | Date | null {
  if (!isMoney(cell)) return cell;
  const exact = cell.minor <= BigInt(Number.MAX_SAFE_INTEGER) && cell.minor >= BigInt(Number.MIN_SAFE_INTEGER);
  return exact ? Number(cell.minor) / 10 ** decimalsOf(cell.currency) : decimalText(cell);
}

// One object a style: the writer knows a style again by its object, and would compare it field by field otherwise.
const time = { numFmt: 'yyyy-mm-dd hh:mm:ss' };
const money = [{ numFmt: '#,##0' }, { numFmt: '#,##0.0' }, { numFmt: '#,##0.00' }, { numFmt: '#,##0.000' }];

function styleOf(cell: Cell): Partial<ExcelJS.Style> | null {
  if (cell instanceof Date) return time;
  return isMoney(cell) ? (money[decimalsOf(cell.currency)] ?? null) : null;
}
