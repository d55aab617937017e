import type { Account, BalanceTransaction, RowName, Rows } from './objects.ts';
import { ROW_NAMES } from './objects.ts';

type Tables = { [N in RowName]: Map<string, Rows[N]> };

/** Running sums of the balance transactions, so that a balance costs no walk over all of them. */
export class Money {
  readonly #currencies = new Map<string, { settled: number; waiting: BalanceTransaction[] }>();

  add(transaction: BalanceTransaction): void {
    const entry = this.#currencies.get(transaction.currency) ?? { settled: 0, waiting: [] };
    this.#currencies.set(transaction.currency, entry);
    entry.waiting.push(transaction);
  }

  get currencies(): string[] {
    return [...this.#currencies.keys()];
  }

  /** @param now seconds; what is available by then counts as settled and gets that status. */
  sums(currency: string, now: number): { settled: number; pending: number } {
    const entry = this.#currencies.get(currency);
    if (!entry) return { settled: 0, pending: 0 };
    const later: BalanceTransaction[] = [];
    for (const transaction of entry.waiting) {
      if (transaction.available_on > now) {
        later.push(transaction);
        continue;
      }
      transaction.status = 'available';
      entry.settled += transaction.net;
    }
    entry.waiting = later;
    return { settled: entry.settled, pending: later.reduce((sum, transaction) => sum + transaction.net, 0) };
  }
}

/** Everything of one account, the platform or a connected one. */
export class Book {
  readonly account: string;
  readonly tables: Tables;
  /** Available from the beginning, by currency, in minor units; currencies not named have the simulator's default. */
  readonly opening = new Map<string, number>();
  /** Which of Stripe's test payment methods a PaymentMethod came from; it decides what happens to its charges. */
  readonly testMethods = new Map<string, string>();
  readonly money = new Money();

  constructor(account: string) {
    this.account = account;
    this.tables = Object.fromEntries(ROW_NAMES.map((name) => [name, new Map()])) as unknown as Tables;
  }

  get<N extends RowName>(name: N, id: string): Rows[N] | undefined {
    return (this.tables[name] as Map<string, Rows[N]>).get(id);
  }

  add<N extends RowName>(name: N, row: Rows[N]): Rows[N] {
    (this.tables[name] as Map<string, Rows[N]>).set(row.id, row);
    return row;
  }

  all<N extends RowName>(name: N): Rows[N][] {
    return [...(this.tables[name] as Map<string, Rows[N]>).values()];
  }

  /** The row of any table with this id. */
  find(id: string): Rows[RowName] | undefined {
    for (const name of ROW_NAMES) {
      const row = this.get(name, id);
      if (row) return row;
    }
    return undefined;
  }

  /** Takes a row out, as if it had never been. */
  forget(id: string): boolean {
    return ROW_NAMES.some((name) => this.tables[name].delete(id));
  }
}

export type TimerKind =
  | 'debit-settles'
  | 'authorization-ends'
  | 'refund-ends'
  | 'refund-fails'
  | 'payout-leaves'
  | 'payout-arrives';

/** Something that happens by itself at a time of the sandbox clock, epoch milliseconds. */
export interface Timer {
  kind: TimerKind;
  account: string;
  id: string;
  at: number;
}

interface BookSnapshot {
  account: string;
  opening: [string, number][];
  testMethods: [string, string][];
  rows: { [N in RowName]: Rows[N][] };
}

export interface StateSnapshot {
  accounts: AccountEntry[];
  timers: Timer[];
  books: BookSnapshot[];
  position: number;
}

/** A connected account; `revoked` ones can no longer be used with the platform's key. */
export interface AccountEntry {
  account: Account;
  revoked: boolean;
}

export const PLATFORM = 'acct_1SandboxPlatform';

/** All accounts that a simulated Stripe knows, the platform's book first. */
export class StripeState {
  readonly accounts = new Map<string, AccountEntry>();
  readonly books = new Map<string, Book>([[PLATFORM, new Book(PLATFORM)]]);
  timers: Timer[] = [];

  get platform(): Book {
    return this.books.get(PLATFORM) as Book;
  }

  book(account: string): Book {
    const book = this.books.get(account) ?? new Book(account);
    this.books.set(account, book);
    return book;
  }

  clear(): void {
    this.accounts.clear();
    this.timers = [];
    this.books.clear();
    this.books.set(PLATFORM, new Book(PLATFORM));
  }

  snapshot(position: number): StateSnapshot {
    return {
      position,
      timers: [...this.timers],
      accounts: [...this.accounts.values()],
      books: [...this.books.values()].map((book) => ({
        account: book.account,
        opening: [...book.opening],
        testMethods: [...book.testMethods],
        rows: Object.fromEntries(ROW_NAMES.map((name) => [name, book.all(name)])) as BookSnapshot['rows'],
      })),
    };
  }

  restore(snapshot: StateSnapshot): void {
    this.clear();
    this.timers = [...snapshot.timers];
    for (const entry of snapshot.accounts) this.accounts.set(entry.account.id, entry);
    for (const saved of snapshot.books) {
      const book = this.book(saved.account);
      for (const [currency, amount] of saved.opening) book.opening.set(currency, amount);
      for (const [id, method] of saved.testMethods) book.testMethods.set(id, method);
      for (const name of ROW_NAMES) {
        for (const row of saved.rows[name] ?? []) book.add(name, row);
      }
      for (const transaction of book.all('balance_transaction')) book.money.add(transaction);
    }
  }
}
