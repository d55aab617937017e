import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAssociatedTokenAccountInstruction,
  createInitializeMint2Instruction,
  createMintToInstruction,
  getAssociatedTokenAddressSync,
  MINT_SIZE,
  TOKEN_2022_PROGRAM_ID,
} from '@solana/spl-token';
import { type Connection, Keypair, LAMPORTS_PER_SOL, SystemProgram, Transaction } from '@solana/web3.js';
import { expect, onTestFinished, test } from 'vitest';
import { standingClock, startSolana } from './start-solana.ts';
import { connect, signedTransfer, statusOf, testCluster } from './test-cluster.ts';

async function mintOne(connection: Connection, payer: Keypair, owner: Keypair) {
  const program = TOKEN_2022_PROGRAM_ID;
  const mint = Keypair.generate();
  const lamports = await connection.getMinimumBalanceForRentExemption(MINT_SIZE);
  const account = getAssociatedTokenAddressSync(mint.publicKey, owner.publicKey, false, program);
  const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash();
  const transaction = new Transaction({ feePayer: payer.publicKey, blockhash, lastValidBlockHeight }).add(
    SystemProgram.createAccount({
      fromPubkey: payer.publicKey,
      newAccountPubkey: mint.publicKey,
      space: MINT_SIZE,
      lamports,
      programId: program,
    }),
    createInitializeMint2Instruction(mint.publicKey, 0, payer.publicKey, null, program),
    createAssociatedTokenAccountInstruction(payer.publicKey, account, owner.publicKey, mint.publicKey, program),
    createMintToInstruction(mint.publicKey, account, payer.publicKey, 1, [], program),
  );
  await connection.sendTransaction(transaction, [payer, mint]);
  return mint.publicKey.toBase58();
}

test('every mint is counted by its address, transfers are not', async () => {
  const { solana, connection, payer } = await testCluster();
  const owner = Keypair.generate();
  const mint = await mintOne(connection, payer, owner);
  await connection.sendRawTransaction((await signedTransfer(connection, payer)).bytes);
  expect(solana.effects.list({ kind: 'mint' })).toMatchObject([
    { id: mint, detail: { amount: '1', owner: owner.publicKey.toBase58() } },
  ]);
  const answer = await fetch(`${solana.url}/_sandbox/effects?kind=mint`);
  expect(await answer.json()).toMatchObject({ solana: { counts: { mint: 1 }, effects: [{ id: mint }] } });
});

test('the explorer shows who owns a ticket, and an address without one is a 404', async () => {
  const { solana, connection, payer } = await testCluster();
  const owner = Keypair.generate();
  const mint = await mintOne(connection, payer, owner);
  const page = await (await fetch(`${solana.url}/ticket/${mint}`)).text();
  expect(page).toContain(owner.publicKey.toBase58());
  expect(page).toContain('<dt>Supply</dt><dd>1</dd>');

  const missing = await fetch(`${solana.url}/ticket/%3Cscript%3Ealert(1)%3C%2Fscript%3E`);
  expect(missing.status).toBe(404);
  expect(await missing.text()).not.toContain('<script>');
});

test('a ledger with a state file is there again after a restart, a torn last line included', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'solana-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const statePath = join(folder, 'deep', 'ledger.jsonl');
  const payer = Keypair.generate();
  const options = { clock: standingClock(), statePath, fund: { [payer.publicKey.toBase58()]: LAMPORTS_PER_SOL } };

  const first = await startSolana(options);
  const owner = Keypair.generate();
  const mint = await mintOne(connect(first), payer, owner);
  const early = await signedTransfer(connect(first), payer);
  await connect(first).sendRawTransaction(early.bytes);
  const before = { slot: await connect(first).getSlot(), balance: await connect(first).getBalance(payer.publicKey) };
  await first.stop();
  appendFileSync(statePath, '{"kind":"transac');

  const second = await startSolana(options);
  onTestFinished(() => second.stop());
  const connection = connect(second);
  expect(second.ticket(mint)).toMatchObject({ supply: 1n, holders: [{ owner: owner.publicKey.toBase58() }] });
  expect(await connection.getBalance(payer.publicKey)).toBe(Math.max(before.balance, LAMPORTS_PER_SOL));
  expect(await connection.getSlot()).toBeGreaterThanOrEqual(before.slot);
  expect(await statusOf(connection, early.signature)).not.toBeNull();
  expect(second.effects.count({ kind: 'mint' })).toBe(1);
  await connection.sendRawTransaction(early.bytes, { skipPreflight: true });
  expect(await connection.getBalance(early.to)).toBe(1_000_000);
  await mintOne(connection, payer, owner);
  expect(second.effects.count({ kind: 'mint' })).toBe(2);
});
