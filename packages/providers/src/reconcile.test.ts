import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BookState, bookKindOf, type LedgerRow, ledgerState, type ProviderRow } from './books.ts';
import { compareBooks, type Difference, reconcileBooks } from './reconcile.ts';

interface Pair {
  ledger: LedgerRow;
  provider: ProviderRow;
}

const pairOf = (
  index: number,
  more: { state?: BookState; knowsId?: boolean; amount?: number; kind?: LedgerRow['kind'] } = {},
): Pair => {
  const { state = 'moved', knowsId = true, amount = 1_000, kind = 'charge' } = more;
  const shared = { provider: 'stripe' as const, kind, jobId: `job-${index}`, effect: kind, amount, state };
  return {
    ledger: {
      ...shared,
      effectId: `effect-${index}`,
      providerId: knowsId ? `object-${index}` : null,
      account: null,
      currency: 'EUR',
      created: new Date(0),
    },
    provider: { ...shared, providerId: `object-${index}`, currency: 'eur', status: 'x', created: new Date(0) },
  };
};

const about = (difference: Difference) =>
  `${difference.kind} ${'ledger' in difference ? difference.ledger.effectId : difference.provider.providerId}`;

const pairs = fc
  .array(
    fc.record({
      state: fc.constantFrom<BookState>('moved', 'not_moved', 'open'),
      knowsId: fc.boolean(),
      amount: fc.integer({ min: 1, max: 99_999_999 }),
      kind: fc.constantFrom<LedgerRow['kind']>('charge', 'refund', 'transfer', 'payout'),
    }),
    { maxLength: 40 },
  )
  .map((list) => list.map((more, index) => pairOf(index, more)));

describe('comparing the books', () => {
  it('finds nothing where they agree, in whatever order they are read', () => {
    fc.assert(
      fc.property(pairs, fc.func(fc.integer()), (list, rank) => {
        const shuffled = list
          .map(({ provider }) => provider)
          .toSorted((a, b) => rank(a.providerId) - rank(b.providerId));
        expect(
          compareBooks(
            list.map(({ ledger }) => ledger),
            shuffled,
          ),
        ).toEqual([]);
      }),
    );
  });

  it('finds the planted differences and nothing else', () => {
    const plants = [
      'none',
      'none',
      'take_from_provider',
      'take_from_ledger',
      'amount',
      'currency',
      'end',
      'double',
    ] as const;
    fc.assert(
      fc.property(pairs, fc.array(fc.constantFrom(...plants), { minLength: 40, maxLength: 40 }), (list, planted) => {
        const ledger: LedgerRow[] = [];
        const provider: ProviderRow[] = [];
        const expected: string[] = [];
        for (const [index, pair] of list.entries()) {
          const { state, effectId } = pair.ledger;
          switch (planted[index]) {
            case 'take_from_provider':
              ledger.push(pair.ledger);
              if (state === 'moved') expected.push(`ledger_only ${effectId}`);
              break;
            case 'take_from_ledger':
              provider.push(pair.provider);
              if (state !== 'not_moved') expected.push(`provider_only ${pair.provider.providerId}`);
              break;
            case 'amount':
              ledger.push(pair.ledger);
              provider.push({ ...pair.provider, amount: (pair.provider.amount ?? 0) + 1 });
              expected.push(`amount_differs ${effectId}`);
              break;
            case 'currency':
              ledger.push(pair.ledger);
              provider.push({ ...pair.provider, currency: 'usd' });
              expected.push(`amount_differs ${effectId}`);
              break;
            case 'end':
              ledger.push(pair.ledger);
              provider.push({ ...pair.provider, state: state === 'moved' ? 'not_moved' : 'moved' });
              if (state !== 'open') expected.push(`status_differs ${effectId}`);
              break;
            case 'double':
              // The second object carries the same mark and another id.
              ledger.push(pair.ledger);
              provider.push(pair.provider, {
                ...pair.provider,
                providerId: `${pair.provider.providerId}-again`,
                state: pair.provider.state,
              });
              if (state !== 'not_moved') expected.push(`provider_only ${pair.provider.providerId}-again`);
              break;
            default:
              ledger.push(pair.ledger);
              provider.push(pair.provider);
          }
        }
        expect(compareBooks(ledger, provider).map(about).toSorted()).toEqual(expected.toSorted());
      }),
    );
  });

  it('takes the object that moved money for the one of a row that never learned its id', () => {
    const { ledger, provider } = pairOf(1, { knowsId: false });
    const declined: ProviderRow = { ...provider, providerId: 'object-declined', state: 'not_moved' };
    expect(compareBooks([ledger], [declined, provider])).toEqual([]);
  });

  it('reports a charge of a job that failed', () => {
    const { ledger, provider } = pairOf(1, { knowsId: false });
    expect(compareBooks([{ ...ledger, state: ledgerState('unknown', 'failed') }], [provider]).map(about)).toEqual([
      'status_differs effect-1',
    ]);
  });

  it('reports a completed job whose money came back', () => {
    const { ledger, provider } = pairOf(1);
    expect(compareBooks([ledger], [{ ...provider, state: 'not_moved' }]).map(about)).toEqual([
      'status_differs effect-1',
    ]);
  });

  it('does not compare amounts that one side does not count', () => {
    const { ledger, provider } = pairOf(1);
    expect(compareBooks([{ ...ledger, amount: null, currency: null }], [provider])).toEqual([]);
  });
});

describe('a reconciliation', () => {
  const [edge, agreed] = [pairOf(1), pairOf(2)];
  const none = async () => null;

  it('asks again for what lies across the edge of the period', async () => {
    const inLedgerOnly = await reconcileBooks({
      ledger: [edge.ledger, agreed.ledger],
      provider: [agreed.provider],
      findAtProvider: async (row) => (row.effectId === 'effect-1' ? edge.provider : null),
      findInLedger: none,
    });
    const atProviderOnly = await reconcileBooks({
      ledger: [agreed.ledger],
      provider: [edge.provider, agreed.provider],
      findAtProvider: none,
      findInLedger: async (row) => (row.providerId === 'object-1' ? edge.ledger : null),
    });
    expect([inLedgerOnly, atProviderOnly]).toEqual([[], []]);
  });

  it('compares what it found there', async () => {
    const found = await reconcileBooks({
      ledger: [edge.ledger],
      provider: [],
      findAtProvider: async () => ({ ...edge.provider, amount: 1 }),
      findInLedger: none,
    });
    expect(found.map(about)).toEqual(['amount_differs effect-1']);
  });

  it('forgets a difference that came of reading the two sides at different moments', async () => {
    const early: ProviderRow = { ...agreed.provider, state: 'open', status: 'processing' };
    const settled = await reconcileBooks({
      ledger: [agreed.ledger],
      provider: [early],
      findAtProvider: async () => agreed.provider,
      findInLedger: async () => agreed.ledger,
    });
    const lasting = await reconcileBooks({
      ledger: [agreed.ledger],
      provider: [early],
      findAtProvider: async () => ({ ...agreed.provider, state: 'not_moved' }),
      findInLedger: async () => agreed.ledger,
    });
    expect([settled, lasting.map(about)]).toEqual([[], ['status_differs effect-2']]);
  });

  it('reports what is nowhere, and a second object of one effect', async () => {
    const second: ProviderRow = { ...agreed.provider, providerId: 'object-2-again' };
    const found = await reconcileBooks({
      ledger: [edge.ledger, agreed.ledger],
      provider: [agreed.provider, second],
      findAtProvider: none,
      findInLedger: async () => agreed.ledger,
    });
    expect(found.map(about).toSorted()).toEqual(['ledger_only effect-1', 'provider_only object-2-again']);
  });
});

describe('what the ledger claims', () => {
  it.each([
    ['confirmed', 'completed', 'moved'],
    ['confirmed', 'processing', 'open'],
    ['confirmed', 'failed', 'not_moved'],
    ['unknown', 'failed', 'not_moved'],
    ['unknown', 'pending', 'open'],
    ['rejected', 'completed', 'not_moved'],
    ['confirmed', null, 'moved'],
    ['unknown', null, 'open'],
  ] as const)('%s on a job that is %s is %s', (effect, job, state) => {
    expect(ledgerState(effect, job)).toBe(state);
  });

  it('books what moves money, and not what prevents it', () => {
    expect(bookKindOf('refunds.create')).toBe('refund');
    expect(bookKindOf('payment_intents.cancel')).toBeNull();
  });
});
