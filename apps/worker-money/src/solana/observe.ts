import { PermanentError } from '@queue-service/contracts';
import {
  ExtensionType,
  getExtensionData,
  getTokenGroupMemberState,
  type Mint,
  TOKEN_2022_PROGRAM_ID,
  TOKEN_PROGRAM_ID,
  unpackMint,
} from '@solana/spl-token';
import { type TokenMetadata, unpack } from '@solana/spl-token-metadata';
import { type AccountInfo, PublicKey, SystemProgram } from '@solana/web3.js';
import type { RpcNodes } from './rpc-nodes.ts';
import type { TicketOrder } from './ticket.ts';

/** How far a ticket's mint has come on the chain. */
type Stage =
  /** There is nothing. Somebody may have sent lamports to the address, though. */
  | { stage: 'absent'; lamports: number }
  /** The mint is there, and nobody has the ticket yet. */
  | { stage: 'open'; lamports: number; metadata: TokenMetadata | null; isMember: boolean }
  /** The one ticket was given out and no second one can be: the mint authority is gone. */
  | { stage: 'done' };

export interface Observation {
  /** The slot the accounts were read at. */
  slot: number;
  ticket: Stage;
  collection: { exists: boolean; lamports: number };
  authorityLamports: number;
  lamportsPerByte: number;
}

export interface ObserveTarget {
  lamportsPerByte: number;
  order: TicketOrder;
  authority: PublicKey;
  collection: PublicKey | null;
}

/**
 * Reads everything a mint depends on, at one slot and at commitment `confirmed`.
 * @param freshest asks all nodes and takes the newest answer, for decisions that a lagging node must not make
 * @throws PermanentError `owner_wallet_invalid`, `mint_conflict`; and what RpcNodes throw
 */
export async function observe(
  nodes: RpcNodes,
  { order, authority, collection, lamportsPerByte }: ObserveTarget,
  { minContextSlot, freshest }: { minContextSlot: number; freshest: boolean },
): Promise<Observation> {
  const keys = [new PublicKey(order.mintAddress), ownerKey(order), authority];
  if (collection) keys.push(collection);
  const config = { commitment: 'confirmed', ...(minContextSlot > 0 && { minContextSlot }) } as const;
  const read = freshest
    ? (await nodes.all((connection) => connection.getMultipleAccountsInfoAndContext(keys, config))).reduce(
        (newest, answer) => (answer.context.slot > newest.context.slot ? answer : newest),
      )
    : await nodes.first((connection) => connection.getMultipleAccountsInfoAndContext(keys, config));
  const [mint, owner, payer, group] = read.value;
  const ticket = stageOf(order, mint ?? null, authority);
  if (ticket.stage !== 'done') checkOwner(owner ?? null);
  return {
    slot: read.context.slot,
    ticket,
    collection: { exists: group?.owner.equals(TOKEN_2022_PROGRAM_ID) ?? false, lamports: group?.lamports ?? 0 },
    authorityLamports: payer?.lamports ?? 0,
    lamportsPerByte,
  };
}

/** @throws PermanentError when the text is no address. */
function ownerKey({ ownerWallet }: TicketOrder): PublicKey {
  try {
    return new PublicKey(ownerWallet);
  } catch {
    throw new PermanentError({ code: 'owner_wallet_invalid', message: 'ownerWallet is not an address of 32 bytes' });
  }
}

/** A wallet may not exist yet. An address that is a token account, a mint or a program could never pass the ticket on. */
function checkOwner(owner: AccountInfo<Buffer> | null): void {
  if (!owner) return;
  const isToken = owner.owner.equals(TOKEN_PROGRAM_ID) || owner.owner.equals(TOKEN_2022_PROGRAM_ID);
  if (!isToken && !owner.executable) return;
  const message = `ownerWallet is ${owner.executable ? 'a program' : 'a token account or a mint'}, not a wallet`;
  throw new PermanentError({ code: 'owner_wallet_invalid', message });
}

function stageOf(order: TicketOrder, account: AccountInfo<Buffer> | null, authority: PublicKey): Stage {
  if (!account || account.owner.equals(SystemProgram.programId))
    return { stage: 'absent', lamports: account?.lamports ?? 0 };
  const mint = readMint(order, account);
  if (mint.mintAuthority === null) return { stage: 'done' };
  if (!mint.mintAuthority.equals(authority) || mint.supply !== 0n || mint.decimals !== 0) {
    throw conflict('is a mint that this service did not make');
  }
  const metadata = getExtensionData(ExtensionType.TokenMetadata, mint.tlvData);
  return {
    stage: 'open',
    lamports: account.lamports,
    metadata: metadata && unpack(metadata),
    isMember: getTokenGroupMemberState(mint) !== null,
  };
}

function readMint({ mintAddress }: TicketOrder, account: AccountInfo<Buffer>): Mint {
  try {
    return unpackMint(new PublicKey(mintAddress), account, TOKEN_2022_PROGRAM_ID);
  } catch {
    throw conflict('is in use for something else than a Token-2022 mint');
  }
}

function conflict(what: string): PermanentError {
  return new PermanentError({ code: 'mint_conflict', message: `The address of the ticket ${what}` });
}
