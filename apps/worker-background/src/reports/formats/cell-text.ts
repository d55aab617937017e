import { decimalText, type Money } from '../money.ts';
import type { Cell } from '../table.ts';

export function isMoney(cell: Cell): cell is Money {
  return typeof cell === 'object' && cell !== null && !(cell instanceof Date);
}

/** A cell as text, the same in every format that has only text. */
export function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (cell instanceof Date) return cell.toISOString();
  if (isMoney(cell)) return decimalText(cell);
  return String(cell);
}
