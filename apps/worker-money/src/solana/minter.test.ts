import { getAccount, getMint, getTokenGroupState, getTokenMetadata, TOKEN_2022_PROGRAM_ID } from '@solana/spl-token';
import { Connection, Keypair, LAMPORTS_PER_SOL, PublicKey, VersionedTransaction } from '@solana/web3.js';
import { expect, test } from 'vitest';
import { collectionKeypair } from './derived-keys.ts';
import { attempt, mintsOf, order, testLedger, testMint } from './testing/test-mint.ts';

test('a ticket is one token of supply 1 in the wallet of its owner, with its metadata, and no second one can be', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority);
  const receipt = await attempt(minter, ticket);

  const connection = new Connection(solana.url, 'processed');
  const mint = await getMint(connection, new PublicKey(receipt.mintAddress), undefined, TOKEN_2022_PROGRAM_ID);
  expect(mint).toMatchObject({ supply: 1n, decimals: 0, mintAuthority: null, freezeAuthority: null });
  const account = await getAccount(connection, new PublicKey(receipt.tokenAccount), undefined, TOKEN_2022_PROGRAM_ID);
  expect(account.amount).toBe(1n);
  expect(account.owner.toBase58()).toBe(ticket.ownerWallet);
  expect(await getTokenMetadata(connection, mint.address)).toMatchObject({
    name: 'Open Air 2027, row 4 seat 12',
    symbol: 'OPEN27',
    uri: 'https://tickets.example/t/1042.json',
    additionalMetadata: [
      ['row', '4'],
      ['seat', '12'],
    ],
  });
  const { value } = await connection.getSignatureStatus(receipt.signature, { searchTransactionHistory: true });
  expect(value).toMatchObject({ slot: receipt.slot, err: null });
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('a ticket that must not be passed on is not transferable', async () => {
  const { solana, authority, minter } = await testMint();
  const { mintAddress } = await attempt(minter, order(authority, { transferable: false }));
  expect(solana.ticket(mintAddress)?.transferable).toBe(false);
  const { mintAddress: other } = await attempt(minter, order(authority, { transferable: true }));
  expect(solana.ticket(other)?.transferable).toBe(true);
});

test('tickets of one event are members of one collection, also when they race to create it', async () => {
  const { solana, authority, minter } = await testMint();
  const tickets = [1, 2, 3].map(() => order(authority, { collections: true }));
  const receipts = await Promise.all(tickets.map((ticket) => attempt(minter, ticket)));

  const collection = collectionKeypair(authority, 'tenant-1', 'event-77').publicKey;
  for (const { mintAddress } of receipts) expect(solana.ticket(mintAddress)?.collection).toBe(collection.toBase58());
  const group = await getMint(new Connection(solana.url), collection, 'processed', TOKEN_2022_PROGRAM_ID);
  expect(group).toMatchObject({ supply: 0n, mintAuthority: null });
  expect(getTokenGroupState(group)?.size).toBe(3n);
});

test('a transaction is stored before it is sent', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority);
  const ledger = testLedger();
  const connection = new Connection(solana.url, 'processed');
  const seenWhenStored: unknown[] = [];
  await minter.mint(ticket, {
    memo: null,
    remember: async (transaction) => {
      await ledger.remember(transaction);
      solana.advance(3);
      seenWhenStored.push((await connection.getSignatureStatus(transaction.signature)).value);
    },
    signal: new AbortController().signal,
  });
  expect(seenWhenStored).toEqual([null]);
  expect(ledger.remembered).toHaveLength(1);
});

test('the compute limit follows from simulation, and the price from what is paid lately, up to its cap', async () => {
  const { authority, minter, createMinter } = await testMint();
  const budgetOf = (wire: string) => {
    const { compiledInstructions } = VersionedTransaction.deserialize(Buffer.from(wire, 'base64')).message;
    const data = compiledInstructions.map((instruction) => Buffer.from(instruction.data));
    return { limit: data[0]?.readUInt32LE(1), price: Number(data[1]?.readBigUInt64LE(1)) };
  };
  const intend = async (from: typeof minter) =>
    budgetOf(
      (await from.intend(order(authority), { minContextSlot: 0, freshest: false, expiries: 0 }))?.wire as string,
    );

  const quiet = await intend(minter);
  expect(quiet.price).toBe(10_000);
  expect(quiet.limit).toBeGreaterThan(20_000);
  expect(quiet.limit).toBeLessThan(100_000);
  const generous = createMinter({ fees: { minUnitPrice: 80_000, maxUnitPrice: 100_000 } });
  await attempt(generous, order(authority));
  expect((await intend(generous)).price).toBe(80_000);
  const again = await generous.intend(order(authority), { minContextSlot: 0, freshest: false, expiries: 1 });
  expect(budgetOf(again?.wire as string).price).toBe(100_000);
});

test('with too few lamports a job waits without anything being signed, and goes through when there are enough', async () => {
  const { solana, authority, minter } = await testMint({ lamports: 5_000_000 });
  const ticket = order(authority);
  const ledger = testLedger();
  await expect(attempt(minter, ticket, ledger)).rejects.toMatchObject({
    name: 'RateLimitedError',
    code: 'mint_authority_low',
  });
  expect(ledger.remembered).toEqual([]);
  expect(await minter.authorityLamports()).toBe(5_000_000);
  solana.airdrop(authority.publicKey, LAMPORTS_PER_SOL);
  solana.advance(1);
  await expect(attempt(minter, ticket, ledger)).resolves.toMatchObject({ mintAddress: ticket.mintAddress });
});

test('an authority that has no account at all is low as well', async () => {
  const { authority, minter } = await testMint({ lamports: 0 });
  await expect(attempt(minter, order(authority))).rejects.toMatchObject({ code: 'mint_authority_low' });
});

test.each([
  ['no address', 'z'.repeat(44)],
  ['a program', TOKEN_2022_PROGRAM_ID.toBase58()],
])('an owner that is %s is refused for good', async (_what, ownerWallet) => {
  const { authority, minter } = await testMint();
  const ticket = { ...order(authority), ownerWallet };
  await expect(attempt(minter, ticket)).rejects.toMatchObject({ name: 'PermanentError', code: 'owner_wallet_invalid' });
});

test('an owner that is a token account is refused for good', async () => {
  const { authority, minter } = await testMint();
  const { tokenAccount } = await attempt(minter, order(authority));
  await expect(attempt(minter, order(authority, { ownerWallet: tokenAccount }))).rejects.toMatchObject({
    code: 'owner_wallet_invalid',
  });
});

test('an owner may be the address of a program, as multisig wallets are', async () => {
  const { solana, authority, minter } = await testMint();
  const [vault] = PublicKey.findProgramAddressSync([Buffer.from('vault')], Keypair.generate().publicKey);
  const { mintAddress } = await attempt(minter, order(authority, { ownerWallet: vault.toBase58() }));
  expect(solana.ticket(mintAddress)?.holders).toMatchObject([{ owner: vault.toBase58(), amount: 1n }]);
});

test('lamports that somebody has sent to the address of a ticket do not stop it', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority, { collections: true });
  solana.airdrop(new PublicKey(ticket.mintAddress), 1_000_000);
  solana.airdrop(collectionKeypair(authority, 'tenant-1', 'event-77').publicKey, 20_000_000);
  solana.advance(1);
  await attempt(minter, ticket);
  expect(solana.ticket(ticket.mintAddress)).toMatchObject({ supply: 1n, mintAuthority: null });
});

test('a job that is done is found as done, and mints nothing more', async () => {
  const { solana, authority, minter } = await testMint();
  const ticket = order(authority);
  const receipt = await attempt(minter, ticket);
  expect(await minter.find(ticket, null)).toEqual({ state: 'done', receipt });
  expect(await attempt(minter, ticket)).toEqual(receipt);
  expect(await minter.find(order(authority), null)).toEqual({ state: 'absent' });
  expect(mintsOf(solana, ticket)).toBe(1);
});

test('after a change of the mint authority a finished ticket is still found, and an unfinished one is left to a person', async () => {
  const { solana, authority, minter, createMinter } = await testMint();
  const done = order(authority);
  const receipt = await attempt(minter, done);
  const other = createMinter({ authority: Keypair.generate() });
  expect(await other.find(done, null)).toEqual({ state: 'done', receipt });
  const begun = order(authority);
  expect(await other.find(begun, null)).toMatchObject({ state: 'unclear' });
  await expect(attempt(other, begun)).rejects.toMatchObject({ code: 'mint_authority_changed' });
  expect(mintsOf(solana, begun)).toBe(0);
});
