import { RetryableError } from '@queue-service/contracts';
import {
  type ConfirmedSignatureInfo,
  type Connection,
  PublicKey,
  type VersionedTransactionResponse,
} from '@solana/web3.js';

const PAGE = 1_000;
/** Pages of a ticket's history that are gone through back to its beginning. */
const MOST_PAGES = 20;

/** The transaction that gave a ticket to its first owner. */
export interface GivenOut {
  mintAddress: string;
  owner: string;
  signature: string;
  slot: number;
  /** Unix time in seconds; null when the node does not know it. */
  blockTime: number | null;
}

/** What a transaction gave out: a token that nobody held before it and somebody holds one of after it. */
export function givenOutBy(
  signature: string,
  { meta, slot, blockTime }: VersionedTransactionResponse,
): GivenOut | undefined {
  const before = meta?.preTokenBalances ?? [];
  const given = meta?.postTokenBalances?.find(({ mint, uiTokenAmount }) => {
    const isHeldBefore = before.some((balance) => balance.mint === mint && balance.uiTokenAmount.amount !== '0');
    return uiTokenAmount.amount === '1' && !isHeldBefore;
  });
  if (given?.owner === undefined) return undefined;
  return { mintAddress: given.mint, owner: given.owner, signature, slot, blockTime: blockTime ?? null };
}

export function readTransaction(
  connection: Connection,
  signature: string,
): Promise<VersionedTransactionResponse | null> {
  return connection.getTransaction(signature, { commitment: 'confirmed', maxSupportedTransactionVersion: 0 });
}

/**
 * Goes through the history of a ticket from its beginning.
 * @throws RetryableError when this node keeps no history that goes back so far
 */
export async function findGivenOut(connection: Connection, mintAddress: string): Promise<GivenOut> {
  for (const { signature, err } of (await signaturesOf(connection, mintAddress)).toReversed()) {
    if (err !== null) continue;
    const transaction = await readTransaction(connection, signature);
    const given = transaction && givenOutBy(signature, transaction);
    if (given?.mintAddress === mintAddress) return given;
  }
  throw new RetryableError({
    code: 'history_unavailable',
    message: 'The RPC node does not know the transaction that minted the ticket',
  });
}

async function signaturesOf(connection: Connection, mintAddress: string): Promise<ConfirmedSignatureInfo[]> {
  const mint = new PublicKey(mintAddress);
  const found: ConfirmedSignatureInfo[] = [];
  for (let page = 0; page < MOST_PAGES; page++) {
    const before = found.at(-1)?.signature;
    const options = { limit: PAGE, ...(before && { before }) };
    const older = await connection.getSignaturesForAddress(mint, options, 'confirmed');
    found.push(...older);
    if (older.length < PAGE) break;
  }
  return found;
}
