import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attempt, mintsOf, order, testLedger, testMint } from './testing/test-mint.ts';

const fault = fc.oneof(
  fc.record({ kind: fc.constant('drop' as const) }),
  fc.record({ kind: fc.constant('land-later' as const), slots: fc.integer({ min: 1, max: 160 }) }),
  fc.record({ kind: fc.constant('fork' as const), slots: fc.integer({ min: 1, max: 10 }) }),
);
const httpFault = fc.constantFrom(
  { kind: 'reset' as const },
  { kind: 'reset-after-work' as const },
  { kind: 'status' as const, status: 429 },
  { kind: 'status' as const, status: 500 },
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: 'attempt' as const }) },
  fc.constant({ do: 'kill before sending' as const }),
  fc.constant({ do: 'two workers' as const }),
  fc.record({ do: fc.constant('lag' as const), node: fc.nat(2), slots: fc.nat(400) }),
  fc.record({ do: fc.constant('toggle' as const), node: fc.nat(2) }),
  fc.record({ do: fc.constant('transaction fault' as const), fault, times: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant('http fault' as const), fault: httpFault, times: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant('time' as const), slots: fc.integer({ min: 1, max: 400 }) }),
);

/** The five minutes of the job's policy. */
const JOB_TIMEOUT_SLOTS = 750;

test('whatever happens between and within attempts, one job mints one ticket, and in the end has it', async () => {
  const { solana, authority, createMinter } = await testMint({ others: 2, lamports: 1e12 });
  const heal = () => {
    solana.faults.clear();
    solana.transactionFaults.clear();
    for (const node of solana.nodes) Object.assign(node, { lag: 0, down: false });
  };

  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, collections) => {
      const ticket = order(authority, { collections });
      const ledger = testLedger();
      // With two of three nodes away an expired transaction is not given up; the job's time-out ends the attempt.
      const timed = () => {
        const controller = new AbortController();
        let looks = 0;
        const wait = async () => {
          solana.advance(1);
          if (++looks === JOB_TIMEOUT_SLOTS) controller.abort();
        };
        return { minter: createMinter({ wait }), signal: controller.signal };
      };
      const run = async () => {
        const { minter, signal } = timed();
        return attempt(minter, ticket, ledger, signal).catch((error: unknown) => error);
      };
      for (const now of steps) {
        switch (now.do) {
          case 'attempt':
            await run();
            break;
          case 'kill before sending': {
            const remember = async (transaction: (typeof ledger.remembered)[number]) => {
              await ledger.remember(transaction);
              throw new Error('killed');
            };
            const { minter, signal } = timed();
            await minter.mint(ticket, { memo: ledger.memo, remember, signal }).catch(() => undefined);
            break;
          }
          case 'two workers':
            await Promise.all([run(), run()]);
            break;
          case 'lag':
            Object.assign(solana.nodes[now.node] as object, { lag: now.slots });
            break;
          case 'toggle': {
            const node = solana.nodes[now.node] as { down: boolean };
            node.down = !node.down;
            break;
          }
          case 'transaction fault':
            solana.transactionFaults.add({ do: now.fault, times: now.times });
            break;
          case 'http fault':
            solana.faults.add({ do: now.fault, times: now.times });
            break;
          case 'time':
            solana.advance(now.slots);
        }
        expect(mintsOf(solana, ticket)).toBeLessThanOrEqual(1);
      }
      heal();
      const receipt = await attempt(createMinter(), ticket, ledger);
      expect(mintsOf(solana, ticket)).toBe(1);
      expect(solana.ticket(receipt.mintAddress)).toMatchObject({
        supply: 1n,
        mintAuthority: null,
        holders: [{ owner: ticket.ownerWallet, tokenAccount: receipt.tokenAccount, amount: 1n }],
      });
    }),
    { numRuns: 60, endOnFailure: true },
  );
}, 120_000);
