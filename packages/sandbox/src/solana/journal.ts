import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Balances } from './balances.ts';
import type { AccountState, Execution } from './engine.ts';

export interface JournalHeader {
  kind: 'genesis';
  genesisHash: string;
  startedAtMs: number;
}

export type StoredAccount = [
  key: string,
  state: [lamports: string, owner: string, data: string, executable: boolean] | null,
];

interface StoredTransaction {
  kind: 'transaction';
  slot: number;
  blockTime: number;
  /** The transaction's bytes, base64. */
  wire: string;
  execution: Execution;
  balances: Balances;
  accounts: StoredAccount[];
}

/** Accounts set from outside: what a treasury was funded with. */
interface StoredGenesisAccounts {
  kind: 'accounts';
  accounts: StoredAccount[];
}

export type JournalLine = JournalHeader | StoredTransaction | StoredGenesisAccounts;

/**
 * The ledger on disk: one line a transaction, appended in one write as it lands, so a kill loses nothing but a torn
 * last line. It holds what transactions left behind, and loading runs none of them again.
 */
export class Journal {
  readonly #path: string;
  #file: number;

  private constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'a');
  }

  /**
   * Opens the journal at `path` and reads what it holds; creates it with `header` when there is none.
   * @throws SyntaxError when a line other than the last is not JSON.
   */
  static open(path: string, header: () => JournalHeader): { journal: Journal; lines: JournalLine[] } {
    mkdirSync(dirname(path), { recursive: true });
    const lines = existsSync(path) ? readLines(path) : [];
    if (lines.length === 0) {
      lines.push(header());
      rewrite(path, lines);
    }
    return { journal: new Journal(path), lines };
  }

  append(line: JournalLine): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  /** Begins anew with only these lines. */
  replace(lines: JournalLine[]): void {
    closeSync(this.#file);
    rewrite(this.#path, lines);
    this.#file = openSync(this.#path, 'a');
  }

  close(): void {
    closeSync(this.#file);
  }
}

function readLines(path: string): JournalLine[] {
  const text = readFileSync(path, 'utf8');
  const end = text.lastIndexOf('\n') + 1;
  const lines = text
    .slice(0, end)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine);
  if (end < text.length) rewrite(path, lines);
  return lines;
}

function rewrite(path: string, lines: JournalLine[]): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  renameSync(temporary, path);
}

export function storeAccount(key: string, state: AccountState | null): StoredAccount {
  if (!state) return [key, null];
  return [key, [state.lamports.toString(), state.owner, Buffer.from(state.data).toString('base64'), state.executable]];
}

export function restoreAccount([key, stored]: StoredAccount): [key: string, state: AccountState | null] {
  if (!stored) return [key, null];
  const [lamports, owner, data, executable] = stored;
  return [key, { lamports: BigInt(lamports), owner, data: new Uint8Array(Buffer.from(data, 'base64')), executable }];
}
