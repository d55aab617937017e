import { Connection, Keypair, LAMPORTS_PER_SOL, SystemProgram, Transaction } from '@solana/web3.js';
import bs58 from 'bs58';
import { onTestFinished } from 'vitest';
import { type SolanaOptions, standingClock, startSolana } from './start-solana.ts';

/** A cluster for one test: its clock stands still, and `payer` has 10 SOL. */
export async function testCluster(options: SolanaOptions = {}) {
  const payer = Keypair.generate();
  const solana = await startSolana({
    clock: standingClock(),
    fund: { [payer.publicKey.toBase58()]: 10 * LAMPORTS_PER_SOL },
    ...options,
  });
  const connection = connect(solana);
  onTestFinished(async () => {
    // After a confirmation the SDK still asks for a status that it does not wait for; a last answer of ours lets it
    // through, so that it does not fail behind the test's back.
    solana.faults.clear();
    await connection.getSlot();
    await solana.stop();
  });
  return { solana, payer, connection };
}

export function connect({ url }: { url: string }): Connection {
  return new Connection(url, { commitment: 'processed', disableRetryOnRateLimit: true });
}

export async function signedTransfer(
  connection: Connection,
  from: Keypair,
  to = Keypair.generate().publicKey,
  lamports = 1_000_000,
) {
  const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash();
  const transaction = new Transaction({ feePayer: from.publicKey, blockhash, lastValidBlockHeight });
  transaction.add(SystemProgram.transfer({ fromPubkey: from.publicKey, toPubkey: to, lamports }));
  transaction.sign(from);
  const signature = bs58.encode(transaction.signature as Buffer);
  return { transaction, bytes: transaction.serialize(), signature, lastValidBlockHeight, to };
}

export async function statusOf(connection: Connection, signature: string) {
  const { value } = await connection.getSignatureStatus(signature, { searchTransactionHistory: true });
  return value?.confirmationStatus ?? null;
}
