import { Keypair, LAMPORTS_PER_SOL } from '@solana/web3.js';
import { expect, test } from 'vitest';
import { connect, signedTransfer, statusOf, testCluster } from './test-cluster.ts';

test('a dropped transaction is accepted and never lands; the same bytes sent again do', async () => {
  const { solana, connection, payer } = await testCluster();
  solana.transactionFaults.add({ do: { kind: 'drop' } });
  const { bytes, signature } = await signedTransfer(connection, payer);
  expect(await connection.sendRawTransaction(bytes)).toBe(signature);
  solana.advance(5);
  expect(await statusOf(connection, signature)).toBeNull();
  await connection.sendRawTransaction(bytes);
  expect(await statusOf(connection, signature)).toBe('processed');
});

test('a late transaction lands when its slots have gone by, and not when its blockhash is too old by then', async () => {
  const { solana, connection, payer } = await testCluster();
  solana.transactionFaults.add({ do: { kind: 'land-later', slots: 100 } });
  solana.transactionFaults.add({ do: { kind: 'land-later', slots: 151 } });
  const good = await signedTransfer(connection, payer);
  const old = await signedTransfer(connection, payer);
  await connection.sendRawTransaction(good.bytes);
  await connection.sendRawTransaction(old.bytes);
  solana.advance(99);
  expect(await statusOf(connection, good.signature)).toBeNull();
  solana.advance(1);
  expect(await statusOf(connection, good.signature)).toBe('processed');
  solana.advance(100);
  expect(await statusOf(connection, old.signature)).toBeNull();
});

test('a fork shows a transaction as processed and then as never having been', async () => {
  const { solana, connection, payer } = await testCluster();
  const { bytes, signature, to } = await signedTransfer(connection, payer);
  solana.transactionFaults.add({ match: { account: to.toBase58() }, do: { kind: 'fork', slots: 2 } });
  await connection.sendRawTransaction(bytes);
  solana.advance(2);
  expect(await statusOf(connection, signature)).toBe('processed');
  solana.advance(1);
  expect(await statusOf(connection, signature)).toBeNull();
  expect(await connection.getBalance(to)).toBe(0);
});

test('a transaction whose answer is lost lands all the same', async () => {
  const { solana, connection, payer } = await testCluster();
  const { bytes, signature } = await signedTransfer(connection, payer);
  solana.faults.add({ match: { bodyIncludes: 'sendTransaction' }, do: { kind: 'reset-after-work' } });
  await expect(connection.sendRawTransaction(bytes)).rejects.toThrow();
  expect(await statusOf(connection, signature)).toBe('processed');
});

test.each([429, 500])('a %i is what the SDK is told to see', async (status) => {
  const { solana, connection } = await testCluster();
  solana.faults.add({ match: { bodyIncludes: 'getSlot' }, do: { kind: 'status', status } });
  await expect(connection.getSlot()).rejects.toThrow(String(status));
  await expect(connection.getSlot()).resolves.toBeGreaterThan(0);
});

test('a node that lags sees the past, a node that is down answers nobody, and both look at one ledger', async () => {
  const { solana, connection, payer } = await testCluster();
  solana.advance(50);
  const behind = solana.node({ lag: 10 });
  const away = solana.node({ down: true });
  const { bytes, signature, to } = await signedTransfer(connection, payer);
  await connect(behind).sendRawTransaction(bytes, { skipPreflight: true });

  expect(await statusOf(connection, signature)).toBe('processed');
  expect(await statusOf(connect(behind), signature)).toBeNull();
  expect(await connect(behind).getBalance(to)).toBe(0);
  expect(await connect(behind).getBlockHeight()).toBe((await connection.getBlockHeight()) - 10);
  await expect(connect(away).getSlot()).rejects.toThrow();

  solana.advance(10);
  away.down = false;
  expect(await statusOf(connect(behind), signature)).toBe('processed');
  expect(await connect(away).getBalance(to)).toBe(1_000_000);
});

test('a node far behind says that it is unhealthy, and does not know a new blockhash', async () => {
  const { solana, connection, payer } = await testCluster();
  solana.advance(500);
  const behind = connect(solana.node({ lag: 200 }));
  const { bytes } = await signedTransfer(connection, payer);
  await expect(behind.sendRawTransaction(bytes)).rejects.toThrow('Blockhash not found');
});

test('transactions that write one account share its part of a block, and what does not fit waits for the next', async () => {
  const { solana, connection, payer } = await testCluster({ limits: { blockUnits: 600_000, accountUnits: 400_000 } });
  const other = Keypair.generate();
  solana.airdrop(other.publicKey, LAMPORTS_PER_SOL);
  solana.advance(1);
  const mine = await Promise.all([1, 2, 3].map((n) => signedTransfer(connection, payer, undefined, 1_000_000 + n)));
  const others = await Promise.all([1, 2].map((n) => signedTransfer(connection, other, undefined, 1_000_000 + n)));
  for (const { bytes } of [...mine, ...others]) await connection.sendRawTransaction(bytes);

  const landed = async () =>
    (await Promise.all([...mine, ...others].map(({ signature }) => statusOf(connection, signature)))).filter(
      (status) => status !== null,
    );
  expect(await landed()).toHaveLength(3);
  solana.advance(1);
  expect(await landed()).toHaveLength(5);
});

test('everything can be told from another process', async () => {
  const { solana, connection, payer } = await testCluster();
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const response = await fetch(`${solana.url}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Record<string, string>;
  };
  await post('faults', { match: { bodyIncludes: 'getSlot' }, do: { kind: 'status', status: 500 } });
  await expect(connection.getSlot()).rejects.toThrow('500');

  await post('solana/transaction-faults', { do: { kind: 'drop' } });
  const { bytes, signature } = await signedTransfer(connection, payer);
  await connection.sendRawTransaction(bytes);
  expect(await statusOf(connection, signature)).toBeNull();
  expect(await post('solana/transaction-faults', { do: { kind: 'explode' } })).toMatchObject({
    error: expect.stringContaining('do.kind'),
  });

  const { url } = await post('solana/node', { lag: 3 });
  await post('solana/advance', { slots: 10 });
  expect(await connect({ url: url as string }).getSlot()).toBe((await connection.getSlot()) - 3);

  await connection.sendRawTransaction(bytes);
  await post('reset', {});
  expect(await statusOf(connection, signature)).toBeNull();
  expect(await connection.getBalance(payer.publicKey)).toBe(10 * LAMPORTS_PER_SOL);
});
