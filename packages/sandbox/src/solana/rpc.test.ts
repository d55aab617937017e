import {
  createInitializeMetadataPointerInstruction,
  createInitializeMint2Instruction,
  createMint,
  ExtensionType,
  getAccount,
  getMint,
  getMintLen,
  getOrCreateAssociatedTokenAccount,
  getTokenMetadata,
  mintTo,
  TOKEN_2022_PROGRAM_ID,
  TOKEN_PROGRAM_ID,
  tokenMetadataInitializeWithRentTransfer,
  tokenMetadataUpdateFieldWithRentTransfer,
} from '@solana/spl-token';
import {
  ComputeBudgetProgram,
  Keypair,
  LAMPORTS_PER_SOL,
  SendTransactionError,
  SystemProgram,
  sendAndConfirmTransaction,
  Transaction,
  TransactionMessage,
  VersionedTransaction,
} from '@solana/web3.js';
import { expect, test, vi } from 'vitest';
import { SandboxClock } from '../http/clock.ts';
import { connect, signedTransfer, statusOf, testCluster } from './test-cluster.ts';

test('a transfer lands, moves lamports, pays the fee, and is told to whoever waits on the WebSocket', async () => {
  const { connection, payer } = await testCluster({ clock: new SandboxClock(), slotMs: 20 });
  const { transaction, to } = await signedTransfer(connection, payer);
  const signature = await sendAndConfirmTransaction(connection, transaction, [payer], { commitment: 'confirmed' });

  expect(await connection.getBalance(to)).toBe(1_000_000);
  expect(await connection.getBalance(payer.publicKey)).toBe(10 * LAMPORTS_PER_SOL - 1_000_000 - 5_000);
  const seen = await connection.getTransaction(signature, {
    commitment: 'confirmed',
    maxSupportedTransactionVersion: 0,
  });
  expect(seen?.meta).toMatchObject({ err: null, fee: 5_000, preBalances: [10 * LAMPORTS_PER_SOL, 0, 1] });
  expect(seen?.transaction.message.getAccountKeys().get(1)?.equals(to)).toBe(true);
});

test('a transaction is processed at once, confirmed a slot later, finalized 32 slots later', async () => {
  const { solana, connection, payer } = await testCluster();
  const { bytes, signature, to } = await signedTransfer(connection, payer);
  await connection.sendRawTransaction(bytes);

  expect(await statusOf(connection, signature)).toBe('processed');
  expect(await connection.getBalance(to, 'confirmed')).toBe(0);
  solana.advance(1);
  expect(await statusOf(connection, signature)).toBe('confirmed');
  expect(await connection.getBalance(to, 'confirmed')).toBe(1_000_000);
  expect(await connection.getBalance(to, 'finalized')).toBe(0);
  solana.advance(31);
  expect(await statusOf(connection, signature)).toBe('finalized');
  expect(await connection.getBalance(to, 'finalized')).toBe(1_000_000);
});

test('an old signature is found only by who asks for the history', async () => {
  const { solana, connection, payer } = await testCluster();
  const { bytes, signature } = await signedTransfer(connection, payer);
  await connection.sendRawTransaction(bytes);
  solana.advance(1_000);
  expect((await connection.getSignatureStatus(signature)).value).toBeNull();
  expect(await statusOf(connection, signature)).toBe('finalized');
});

test('block height and slot are different numbers, and a blockhash is good for 150 blocks', async () => {
  const { solana, connection, payer } = await testCluster();
  const early = await signedTransfer(connection, payer);
  const late = await signedTransfer(connection, payer);
  expect(early.lastValidBlockHeight).toBe((await connection.getBlockHeight()) + 150);
  expect(await connection.getBlockHeight()).toBeLessThan(await connection.getSlot());

  solana.advance(150);
  expect(await connection.getBlockHeight()).toBe(early.lastValidBlockHeight);
  await connection.sendRawTransaction(early.bytes);
  expect(await statusOf(connection, early.signature)).toBe('processed');

  solana.advance(1);
  const { recentBlockhash } = late.transaction;
  expect((await connection.isBlockhashValid(recentBlockhash as string)).value).toBe(false);
  await expect(connection.sendRawTransaction(late.bytes)).rejects.toThrow('Blockhash not found');
  await connection.sendRawTransaction(late.bytes, { skipPreflight: true });
  solana.advance(1);
  expect(await statusOf(connection, late.signature)).toBeNull();
});

test('a transaction sent again is already processed, and moves nothing', async () => {
  const { connection, payer } = await testCluster();
  const { bytes, to } = await signedTransfer(connection, payer);
  await connection.sendRawTransaction(bytes);
  await expect(connection.sendRawTransaction(bytes)).rejects.toThrow('already been processed');
  await connection.sendRawTransaction(bytes, { skipPreflight: true });
  expect(await connection.getBalance(to)).toBe(1_000_000);
});

test('preflight fails with the real code, message and logs, and nothing lands', async () => {
  const { connection, payer } = await testCluster();
  const { bytes, signature } = await signedTransfer(connection, payer, undefined, 11 * LAMPORTS_PER_SOL);
  const error = await connection.sendRawTransaction(bytes).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SendTransactionError);
  const { transactionError } = error as SendTransactionError;
  expect(transactionError.message).toContain('Error processing Instruction 0: custom program error: 0x1');
  expect(transactionError.logs?.join()).toContain('insufficient lamports');
  expect(await statusOf(connection, signature)).toBeNull();
});

test('a failing transaction that skips preflight lands with its error and costs its fee', async () => {
  const { connection, payer } = await testCluster();
  const { bytes, signature } = await signedTransfer(connection, payer, undefined, 11 * LAMPORTS_PER_SOL);
  await connection.sendRawTransaction(bytes, { skipPreflight: true });
  const { value } = await connection.getSignatureStatus(signature);
  expect(value?.err).toEqual({ InstructionError: [0, { Custom: 1 }] });
  expect(await connection.getBalance(payer.publicKey)).toBe(10 * LAMPORTS_PER_SOL - 5_000);
});

test('a bad signature is refused, and never lands when preflight is skipped', async () => {
  const { connection, payer } = await testCluster();
  const { bytes } = await signedTransfer(connection, payer);
  bytes[1] = (bytes[1] as number) ^ 1;
  await expect(connection.sendRawTransaction(bytes)).rejects.toThrow('signature verification failure');
  const signature = await connection.sendRawTransaction(bytes, { skipPreflight: true });
  expect(await statusOf(connection, signature)).toBeNull();
});

test('who has no lamports cannot pay a fee', async () => {
  const { connection } = await testCluster();
  const { bytes } = await signedTransfer(connection, Keypair.generate());
  await expect(connection.sendRawTransaction(bytes)).rejects.toThrow('no record of a prior credit');
});

test('simulation tells the units, changes nothing, and takes unsigned transactions with any blockhash', async () => {
  const { connection, payer } = await testCluster();
  const to = Keypair.generate().publicKey;
  const message = new TransactionMessage({
    payerKey: payer.publicKey,
    recentBlockhash: Keypair.generate().publicKey.toBase58(),
    instructions: [SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: to, lamports: 1_000_000 })],
  }).compileToV0Message();
  const transaction = new VersionedTransaction(message);

  const good = await connection.simulateTransaction(transaction, { replaceRecentBlockhash: true, sigVerify: false });
  expect(good.value).toMatchObject({ err: null, unitsConsumed: 150 });
  expect(await connection.getBalance(to)).toBe(0);
  const stale = await connection.simulateTransaction(transaction);
  expect(stale.value.err).toBe('BlockhashNotFound');
  await expect(connection.simulateTransaction(transaction, { sigVerify: true })).rejects.toThrow(
    'signature verification',
  );
});

test('simulation at an older commitment runs on the accounts of that time', async () => {
  const { solana, connection, payer } = await testCluster();
  solana.advance(40);
  const holder = Keypair.generate();
  await connection.sendRawTransaction(
    (await signedTransfer(connection, payer, holder.publicKey, LAMPORTS_PER_SOL)).bytes,
  );
  const { transaction } = await signedTransfer(connection, holder);
  const versioned = VersionedTransaction.deserialize(transaction.serialize());
  const config = { replaceRecentBlockhash: true } as const;
  expect((await connection.simulateTransaction(versioned, { ...config, commitment: 'finalized' })).value.err).toBe(
    'AccountNotFound',
  );
  expect(
    (await connection.simulateTransaction(versioned, { ...config, commitment: 'processed' })).value.err,
  ).toBeNull();
  expect(await connection.getBalance(holder.publicKey)).toBe(LAMPORTS_PER_SOL);
});

test.each([
  ['Token', TOKEN_PROGRAM_ID],
  ['Token-2022', TOKEN_2022_PROGRAM_ID],
])('the %s SDK creates a mint, an account, and tokens that every token method sees', async (_name, program) => {
  const { connection, payer } = await testCluster({ clock: new SandboxClock(), slotMs: 10 });
  const confirm = { commitment: 'confirmed' } as const;
  const owner = Keypair.generate().publicKey;
  const mint = await createMint(connection, payer, payer.publicKey, null, 2, undefined, confirm, program);
  const { address } = await getOrCreateAssociatedTokenAccount(
    connection,
    payer,
    mint,
    owner,
    false,
    'confirmed',
    confirm,
    program,
  );
  const signature = await mintTo(connection, payer, mint, address, payer, 150, [], confirm, program);

  expect((await getMint(connection, mint, 'confirmed', program)).supply).toBe(150n);
  expect((await getAccount(connection, address, 'confirmed', program)).amount).toBe(150n);
  expect((await connection.getTokenSupply(mint)).value.uiAmountString).toBe('1.5');
  expect((await connection.getTokenAccountBalance(address)).value).toMatchObject({
    amount: '150',
    decimals: 2,
    uiAmount: 1.5,
  });
  expect((await connection.getTokenLargestAccounts(mint)).value[0]?.address.equals(address)).toBe(true);
  expect((await connection.getTokenAccountsByOwner(owner, { programId: program })).value).toHaveLength(1);
  const parsed = await connection.getParsedTokenAccountsByOwner(owner, { mint });
  expect(parsed.value[0]?.account.data.parsed.info.tokenAmount.amount).toBe('150');
  const held = await connection.getProgramAccounts(program, {
    filters: [{ memcmp: { offset: 32, bytes: owner.toBase58() } }],
  });
  expect(held.map(({ pubkey }) => pubkey.toBase58())).toEqual([address.toBase58()]);
  const meta = (await connection.getParsedTransaction(signature, { commitment: 'confirmed' }))?.meta;
  expect(meta?.postTokenBalances?.[0]).toMatchObject({ mint: mint.toBase58(), owner: owner.toBase58() });
});

test('the metadata SDK writes on a Token-2022 mint and reads it back', async () => {
  const { connection, payer } = await testCluster({ clock: new SandboxClock(), slotMs: 10 });
  const mint = Keypair.generate();
  const space = getMintLen([ExtensionType.MetadataPointer]);
  const lamports = await connection.getMinimumBalanceForRentExemption(space);
  const create = new Transaction().add(
    SystemProgram.createAccount({
      fromPubkey: payer.publicKey,
      newAccountPubkey: mint.publicKey,
      space,
      lamports,
      programId: TOKEN_2022_PROGRAM_ID,
    }),
    createInitializeMetadataPointerInstruction(mint.publicKey, payer.publicKey, mint.publicKey, TOKEN_2022_PROGRAM_ID),
    createInitializeMint2Instruction(mint.publicKey, 0, payer.publicKey, null, TOKEN_2022_PROGRAM_ID),
  );
  await sendAndConfirmTransaction(connection, create, [payer, mint], { commitment: 'confirmed' });
  const { publicKey: key } = payer;
  await tokenMetadataInitializeWithRentTransfer(
    connection,
    payer,
    mint.publicKey,
    key,
    payer,
    'A seat',
    'SEAT',
    'https://t.example/1',
    [],
    { commitment: 'confirmed' },
  );
  await tokenMetadataUpdateFieldWithRentTransfer(connection, payer, mint.publicKey, payer, 'row', '4', [], {
    commitment: 'confirmed',
  });
  expect(await getTokenMetadata(connection, mint.publicKey, 'confirmed')).toMatchObject({
    name: 'A seat',
    additionalMetadata: [['row', '4']],
  });
});

test('signatures of an account come newest first, in pages', async () => {
  const { solana, connection, payer } = await testCluster();
  const sent: string[] = [];
  for (let index = 0; index < 4; index++) {
    sent.unshift(
      await connection.sendRawTransaction(
        (await signedTransfer(connection, payer, undefined, 1_000_000 + index)).bytes,
      ),
    );
  }
  solana.advance(1);
  const list = async (options: object) =>
    (await connection.getSignaturesForAddress(payer.publicKey, options, 'confirmed')).map(({ signature }) => signature);
  expect(await list({})).toEqual(sent);
  expect(await list({ limit: 2 })).toEqual(sent.slice(0, 2));
  expect(await list({ before: sent[1] })).toEqual(sent.slice(2));
  expect(await list({ until: sent[2] })).toEqual(sent.slice(0, 2));
});

test('an airdrop, slots and changed accounts are told to subscribers until they unsubscribe', async () => {
  const { solana, connection } = await testCluster();
  const owner = Keypair.generate().publicKey;
  const balances: number[] = [];
  const slots: number[] = [];
  const account = connection.onAccountChange(owner, ({ lamports }) => balances.push(lamports), {
    commitment: 'processed',
  });
  const slot = connection.onSlotChange((info) => slots.push(info.slot));
  await vi.waitFor(() => {
    solana.advance(1);
    expect(slots.length).toBeGreaterThan(1);
  });
  await connection.requestAirdrop(owner, 5_000_000);
  await vi.waitFor(() => expect(balances).toEqual([5_000_000]));
  await connection.removeAccountChangeListener(account);
  await connection.removeSlotChangeListener(slot);
});

test('priority fees are the lowest paid in each slot for the accounts asked for', async () => {
  const { solana, connection, payer } = await testCluster();
  const send = async (microLamports: number) => {
    const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash();
    const transaction = new Transaction({ feePayer: payer.publicKey, blockhash, lastValidBlockHeight }).add(
      ComputeBudgetProgram.setComputeUnitPrice({ microLamports }),
      SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: payer.publicKey, lamports: 1 }),
    );
    await connection.sendTransaction(transaction, [payer]);
  };
  await send(7_000);
  await send(3_000);
  const fees = async (key: Keypair) =>
    (await connection.getRecentPrioritizationFees({ lockedWritableAccounts: [key.publicKey] })).map(
      (fee) => fee.prioritizationFee,
    );
  expect(Math.max(...(await fees(payer)))).toBe(3_000);
  expect(await fees(payer)).toHaveLength(150);
  expect(Math.max(...(await fees(Keypair.generate())))).toBe(0);
  solana.advance(150);
  expect(Math.max(...(await fees(payer)))).toBe(0);
});

test('the small questions about the cluster are answered', async () => {
  const { solana, connection, payer } = await testCluster();
  const { transaction } = await signedTransfer(connection, payer);
  expect((await connection.getFeeForMessage(transaction.compileMessage())).value).toBe(5_000);
  expect(await connection.getMinimumBalanceForRentExemption(165)).toBe(2_039_280);
  expect(await connection.getGenesisHash()).toMatch(/^[1-9A-HJ-NP-Za-km-z]{42,44}$/);
  expect((await connection.getEpochInfo()).absoluteSlot).toBe(await connection.getSlot());
  expect((await connection.getVersion())['solana-core']).toMatch(/^\d+\.\d+\.\d+$/);
  const before = await connection.getBlockTime(await connection.getSlot());
  solana.advance(5);
  expect(await connection.getBlockTime(await connection.getSlot())).toBe((before as number) + 2);
  expect((await connection.getAccountInfo(TOKEN_2022_PROGRAM_ID))?.executable).toBe(true);
  expect(await connection.getMultipleAccountsInfo([payer.publicKey, Keypair.generate().publicKey])).toMatchObject([
    { lamports: 10 * LAMPORTS_PER_SOL },
    null,
  ]);
});

test.each([
  ['not json', { code: -32700 }],
  ['{"jsonrpc":"2.0","id":1}', { code: -32600 }],
  ['{"jsonrpc":"2.0","id":1,"method":"nope"}', { code: -32601 }],
  ['{"jsonrpc":"2.0","id":1,"method":"getBalance","params":["xyz"]}', { code: -32602 }],
  ['{"jsonrpc":"2.0","id":1,"method":"sendTransaction","params":["AAAA",{"encoding":"base64"}]}', { code: -32602 }],
])('a bad request (%s) gets a JSON-RPC error', async (body, error) => {
  const { solana } = await testCluster();
  const answer = await fetch(solana.url, { method: 'POST', body });
  expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', error });
});

test('reads that need a newer slot than the node has are refused', async () => {
  const { solana } = await testCluster();
  const behind = connect(solana.node({ lag: 20 }));
  const slot = await connect(solana).getSlot();
  await expect(behind.getBalance(Keypair.generate().publicKey, { minContextSlot: slot })).rejects.toThrow(
    'Minimum context slot',
  );
});

test('a bad message on the WebSocket gets an error and harms nobody', async () => {
  const { solana, connection } = await testCluster();
  const socket = new WebSocket(solana.wsUrl);
  const answers: unknown[] = [];
  socket.onmessage = ({ data }) => answers.push(JSON.parse(String(data)));
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  for (const message of ['{', 'null', '{"id":1,"method":"nope"}', '{"id":2,"method":"slotSubscribe"}'])
    socket.send(message);
  await vi.waitFor(() => expect(answers).toHaveLength(4));
  expect(answers).toMatchObject([
    { error: {} },
    { error: {} },
    { id: 1, error: { code: -32601 } },
    { id: 2, result: 1 },
  ]);
  socket.close();
  expect(await connection.getSlot()).toBeGreaterThan(0);
});
