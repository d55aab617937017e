import type { SolanaSandbox } from '@queue-service/sandbox';
import {
  createAssociatedTokenAccountInstruction,
  createTransferCheckedInstruction,
  getAssociatedTokenAddressSync,
  TOKEN_2022_PROGRAM_ID,
} from '@solana/spl-token';
import { Connection, Keypair, PublicKey, Transaction } from '@solana/web3.js';
import { expect, test } from 'vitest';
import type { Minter } from './minter.ts';
import { attempt, mintsOf, order, testLedger, testMint } from './testing/test-mint.ts';
import type { TicketOrder } from './ticket.ts';

type Ledger = ReturnType<typeof testLedger>;

/** An attempt that is killed right after its transaction was stored. */
async function killedBeforeSending(minter: Minter, ticket: TicketOrder, ledger: Ledger) {
  const killed = minter.mint(ticket, {
    memo: ledger.memo,
    remember: async (transaction) => {
      await ledger.remember(transaction);
      throw new Error('killed');
    },
    signal: new AbortController().signal,
  });
  await expect(killed).rejects.toThrow('killed');
}

/** An attempt that has sent its transaction, and ends before it hears of it. */
async function killedAfterSending(
  solana: SolanaSandbox,
  createMinter: (options: object) => Minter,
  ticket: TicketOrder,
  ledger: Ledger,
) {
  const controller = new AbortController();
  const wait = async () => {
    controller.abort();
    for (const node of solana.nodes) node.down = true;
  };
  await expect(attempt(createMinter({ wait }), ticket, ledger, controller.signal)).rejects.toMatchObject({
    name: 'UnknownOutcomeError',
    code: 'aborted',
  });
  for (const node of solana.nodes) node.down = false;
}

test('killed before sending: the next attempt sends the stored bytes', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority);
  const ledger = testLedger();
  await killedBeforeSending(minter, ticket, ledger);
  expect(await minter.find(ticket, ledger.memo)).toEqual({ state: 'in_flight' });
  const receipt = await attempt(minter, ticket, ledger);
  expect(ledger.remembered.map(({ signature }) => signature)).toEqual([receipt.signature]);
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('killed after sending: the next attempt finds the mint and sends nothing', async () => {
  const { solana, authority, minter, createMinter } = await testMint();
  const ticket = order(authority);
  const ledger = testLedger();
  await killedAfterSending(solana, createMinter, ticket, ledger);
  solana.advance(1);
  const found = await minter.find(ticket, ledger.memo);
  expect(found).toMatchObject({ state: 'done', receipt: { signature: ledger.memo?.signature } });
  solana.faults.add({
    match: { bodyIncludes: 'sendTransaction' },
    times: 'always',
    do: { kind: 'status', status: 500 },
  });
  expect(await attempt(minter, ticket, ledger)).toEqual(found.state === 'done' && found.receipt);
  expect(ledger.remembered).toHaveLength(1);
});

test('killed after sending and restarted days later: the mint is found in the history', async () => {
  const { solana, authority, minter, createMinter } = await testMint();
  const ticket = order(authority);
  const ledger = testLedger();
  await killedAfterSending(solana, createMinter, ticket, ledger);
  solana.advance(500_000);
  await expect(attempt(minter, ticket, ledger)).resolves.toMatchObject({ signature: ledger.memo?.signature });
  expect(await minter.find(ticket, null)).toMatchObject({
    state: 'done',
    receipt: { signature: ledger.memo?.signature },
  });
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a dropped transaction is sent again byte for byte', async () => {
  const { solana, authority, minter } = await testMint();
  solana.transactionFaults.add({ times: 5, do: { kind: 'drop' } });
  const ticket = order(authority);
  const ledger = testLedger();
  const receipt = await attempt(minter, ticket, ledger);
  expect(ledger.remembered.map(({ signature }) => signature)).toEqual([receipt.signature]);
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a transaction that lands while its answer is lost counts', async () => {
  const { solana, authority, minter } = await testMint();
  solana.faults.add({ match: { bodyIncludes: 'sendTransaction' }, do: { kind: 'reset-after-work' } });
  const ticket = order(authority);
  await expect(attempt(minter, ticket)).resolves.toMatchObject({ mintAddress: ticket.mintAddress });
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a transaction on a fork that is left does not count, and is sent again', async () => {
  const { solana, authority, minter } = await testMint();
  solana.transactionFaults.add({ do: { kind: 'fork', slots: 6 } });
  const ticket = order(authority);
  const ledger = testLedger();
  const receipt = await attempt(minter, ticket, ledger);
  expect(receipt.signature).toBe(ledger.memo?.signature);
  expect(solana.ticket(receipt.mintAddress)?.supply).toBe(1n);
});

test('a transaction that never lands expires, and only then another is signed', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority);
  const ledger = testLedger();
  const slots: number[] = [];
  const fault = solana.transactionFaults.add({ times: 'always', do: { kind: 'drop' } });
  const receipt = await minter.mint(ticket, {
    memo: null,
    remember: async (transaction) => {
      await ledger.remember(transaction);
      slots.push(Math.round(solana.clock.now() / 400));
      if (slots.length === 2) solana.transactionFaults.remove(fault);
    },
    signal: new AbortController().signal,
  });
  expect(ledger.remembered).toHaveLength(2);
  expect(receipt.signature).toBe(ledger.remembered[1]?.signature);
  // 150 blocks of life, and 32 until a block of that height is final.
  expect((slots[1] as number) - (slots[0] as number)).toBeGreaterThanOrEqual(150 + 32);
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a transaction that lands in its very last block counts, and no other is signed', async () => {
  const { solana, authority, minter } = await testMint();
  solana.transactionFaults.add({ do: { kind: 'land-later', slots: 149 } });
  solana.transactionFaults.add({ times: 'always', do: { kind: 'drop' } });
  const ticket = order(authority);
  const ledger = testLedger();
  const receipt = await attempt(minter, ticket, ledger);
  expect(ledger.remembered.map(({ signature }) => signature)).toEqual([receipt.signature]);
});

test('while a majority of nodes lags, an expired transaction is not given up', async () => {
  const { solana, authority, minter } = await testMint({ others: 2 });
  const ticket = order(authority);
  const ledger = testLedger();
  for (const node of solana.nodes.slice(1)) node.lag = 100;
  solana.advance(1);
  const fault = solana.transactionFaults.add({ times: 'always', do: { kind: 'drop' } });
  const slots: number[] = [];
  await minter.mint(ticket, {
    memo: null,
    remember: async (transaction) => {
      await ledger.remember(transaction);
      slots.push(Math.round(solana.clock.now() / 400));
      if (slots.length === 2) solana.transactionFaults.remove(fault);
    },
    signal: new AbortController().signal,
  });
  expect((slots[1] as number) - (slots[0] as number)).toBeGreaterThanOrEqual(100 + 150 + 32);
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a node that lags neither hides a finished mint nor stops a new one', async () => {
  const { solana, authority, minter, createMinter } = await testMint({ others: 2 });
  const ticket = order(authority);
  const ledger = testLedger();
  await killedAfterSending(solana, createMinter, ticket, ledger);
  solana.advance(300);
  (solana.nodes[0] as { lag: number }).lag = 250;
  expect(await minter.find(ticket, ledger.memo)).toMatchObject({ state: 'done' });
  expect(await minter.find(ticket, null)).toMatchObject({ state: 'done' });
  const other = order(authority, { collections: true });
  await attempt(minter, other);
  expect(mintsOf(solana, other)).toBe(1);
});

test('nodes that are down, hang, or ask for patience are passed over', async () => {
  const { solana, authority, minter } = await testMint({ others: 3 });
  const [first, second, third] = solana.nodes;
  (first as { down: boolean }).down = true;
  solana.faults.add({
    match: { path: `/nodes/${second?.index}` },
    times: 'always',
    do: { kind: 'status', status: 429 },
  });
  solana.faults.add({
    match: { path: `/nodes/${third?.index}` },
    times: 'always',
    do: { kind: 'status', status: 500 },
  });
  const ticket = order(authority);
  await expect(attempt(minter, ticket)).resolves.toMatchObject({ mintAddress: ticket.mintAddress });
});

test('when every node asks for patience, the job waits as long as they ask, and nothing was signed', async () => {
  const { solana, authority, minter } = await testMint();
  solana.faults.add({ times: 'always', do: { kind: 'status', status: 429, headers: { 'Retry-After': '7' } } });
  const ledger = testLedger();
  await expect(attempt(minter, order(authority), ledger)).rejects.toMatchObject({
    name: 'RateLimitedError',
    code: 'provider_rate_limited',
    retryAfterMs: 7_000,
  });
  expect(ledger.remembered).toEqual([]);
});

test('when no node answers, nothing was signed and the job is tried again', async () => {
  const { solana, authority, minter } = await testMint();
  (solana.nodes[0] as { down: boolean }).down = true;
  const ledger = testLedger();
  await expect(attempt(minter, order(authority), ledger)).rejects.toMatchObject({
    name: 'RetryableError',
    code: 'provider_unreachable',
  });
  expect(ledger.remembered).toEqual([]);
});

test('when all nodes go away after sending, the outcome is unknown until they are back', async () => {
  const { solana, authority, createMinter, minter } = await testMint({ others: 1 });
  const wait = async () => {
    for (const node of solana.nodes) node.down = true;
    solana.advance(1);
  };
  const ticket = order(authority);
  const ledger = testLedger();
  await expect(attempt(createMinter({ wait }), ticket, ledger)).rejects.toMatchObject({
    name: 'UnknownOutcomeError',
    code: 'provider_unreachable',
  });
  await expect(minter.find(ticket, ledger.memo)).rejects.toMatchObject({ name: 'RetryableError' });
  for (const node of solana.nodes) node.down = false;
  expect(await minter.find(ticket, ledger.memo)).toMatchObject({ state: 'done' });
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a refusal of the nodes after a transaction has left is not taken for a refusal of the mint', async () => {
  const { solana, authority, minter, createMinter } = await testMint();
  const ticket = order(authority);
  const ledger = testLedger();
  await killedAfterSending(solana, createMinter, ticket, ledger);
  solana.faults.add({ times: 'always', do: { kind: 'status', status: 401 } });
  await expect(minter.find(ticket, ledger.memo)).rejects.toMatchObject({
    name: 'RetryableError',
    code: 'provider_authentication_failed',
  });
});

test('two workers on one job mint one ticket', async () => {
  const { solana, authority, createMinter } = await testMint({ others: 1 });
  const ticket = order(authority);
  const outcomes = await Promise.allSettled([attempt(createMinter(), ticket), attempt(createMinter(), ticket)]);
  const signatures = outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value.signature : outcome.reason,
  );
  expect(new Set(signatures).size).toBe(1);
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a finished ticket is found after its owner has passed it on', async () => {
  const { solana, authority, minter } = await testMint();
  const owner = Keypair.generate();
  const ticket = order(authority, { ownerWallet: owner.publicKey.toBase58() });
  const receipt = await attempt(minter, ticket);
  const connection = new Connection(solana.url, 'processed');
  const mint = new PublicKey(receipt.mintAddress);
  const friend = Keypair.generate().publicKey;
  const target = getAssociatedTokenAddressSync(mint, friend, false, TOKEN_2022_PROGRAM_ID);
  const pass = new Transaction().add(
    createAssociatedTokenAccountInstruction(authority.publicKey, target, friend, mint, TOKEN_2022_PROGRAM_ID),
    createTransferCheckedInstruction(
      new PublicKey(receipt.tokenAccount),
      mint,
      target,
      owner.publicKey,
      1n,
      0,
      [],
      TOKEN_2022_PROGRAM_ID,
    ),
  );
  await connection.sendTransaction(pass, [authority, owner]);
  solana.advance(1);
  expect(await minter.find(ticket, null)).toEqual({ state: 'done', receipt });
});
