import type { LedgerRow, ProviderRow } from '@queue-service/providers';
import { TOKEN_2022_PROGRAM_ID, unpackMint } from '@solana/spl-token';
import { type ConfirmedSignatureInfo, type Keypair, PublicKey } from '@solana/web3.js';
import { ticketKeypair } from './derived-keys.ts';
import { findGivenOut, type GivenOut, givenOutBy, readTransaction } from './given-out.ts';
import type { RpcNodes } from './rpc-nodes.ts';

const PAGE = 1_000;
/** Transactions read at once: one after the other a day of mints would take hours. */
const READ_AT_ONCE = 10;

export interface SolanaBooksOptions {
  nodes: RpcNodes;
  authority: PublicKey;
  /** The first moment of the period. */
  from: Date;
  /** The first moment after it. */
  to: Date;
}

/**
 * Every ticket that the authority gave out in a period, newest first. The chain does not name jobs, so rows are matched
 * by the mint's address.
 * @throws RetryableError, RateLimitedError of a read; a period is read again as a whole
 */
export async function* listSolanaBooks({
  nodes,
  authority,
  from,
  to,
}: SolanaBooksOptions): AsyncGenerator<ProviderRow> {
  let before: string | undefined;
  for (;;) {
    const options = { limit: PAGE, ...(before !== undefined && { before }) };
    const page = await nodes.first((connection) => connection.getSignaturesForAddress(authority, options, 'confirmed'));
    // Blocks tell their time in whole seconds; periods that meet are cut at the same second.
    const at = (entry: ConfirmedSignatureInfo) => entry.blockTime ?? seconds(from);
    const inPeriod = page.filter(
      (entry) => at(entry) >= seconds(from) && at(entry) < seconds(to) && entry.err === null,
    );
    for (let start = 0; start < inPeriod.length; start += READ_AT_ONCE) {
      const some = inPeriod.slice(start, start + READ_AT_ONCE);
      for (const given of await Promise.all(some.map((entry) => givenOut(nodes, entry)))) {
        if (given) yield bookRow(given);
      }
    }
    if (page.some((entry) => at(entry) < seconds(from))) return;
    if (page.length < PAGE) return;
    before = page.at(-1)?.signature;
  }
}

/**
 * The ticket of one ledger row, whenever it was made: by its address, which follows from the job where the row never
 * learned it.
 * @returns null when nobody has been given it
 * @throws RetryableError, RateLimitedError of a read
 */
export async function findSolanaRow(nodes: RpcNodes, authority: Keypair, row: LedgerRow): Promise<ProviderRow | null> {
  const mintAddress = row.providerId ?? (row.jobId && ticketKeypair(authority, row.jobId).publicKey.toBase58());
  if (!mintAddress) return null;
  const mint = new PublicKey(mintAddress);
  const account = await nodes.first((connection) => connection.getAccountInfo(mint, 'confirmed'));
  if (!account?.owner.equals(TOKEN_2022_PROGRAM_ID)) return null;
  if (unpackMint(mint, account, TOKEN_2022_PROGRAM_ID).mintAuthority !== null) return null;
  return bookRow(await nodes.first((connection) => findGivenOut(connection, mintAddress)));
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}

async function givenOut(nodes: RpcNodes, { signature }: ConfirmedSignatureInfo): Promise<GivenOut | undefined> {
  const transaction = await nodes.first((connection) => readTransaction(connection, signature));
  return transaction ? givenOutBy(signature, transaction) : undefined;
}

function bookRow({ mintAddress, blockTime }: GivenOut): ProviderRow {
  return {
    provider: 'solana',
    kind: 'mint',
    providerId: mintAddress,
    jobId: null,
    effect: null,
    amount: null,
    currency: null,
    status: 'confirmed',
    state: 'moved',
    created: new Date((blockTime ?? 0) * 1_000),
  };
}
