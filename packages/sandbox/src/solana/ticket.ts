import {
  ExtensionType,
  getExtensionData,
  getTokenGroupMemberState,
  type Mint,
  TOKEN_2022_PROGRAM_ID,
  unpackMint,
} from '@solana/spl-token';
import { unpack } from '@solana/spl-token-metadata';
import { PublicKey } from '@solana/web3.js';
import type { Bank } from './node.ts';
import { asMint, asTokenAccount } from './token-state.ts';

/** A Token-2022 mint and who holds it, read from the accounts as any explorer would. */
export interface Ticket {
  mintAddress: string;
  supply: bigint;
  decimals: number;
  mintAuthority: string | null;
  transferable: boolean;
  name: string;
  symbol: string;
  uri: string;
  attributes: [key: string, value: string][];
  collection: string | null;
  holders: { owner: string; tokenAccount: string; amount: bigint }[];
}

const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;

/** The ticket as of `bank`, or undefined when the address is no Token-2022 mint. */
export function readTicket(bank: Bank, mintAddress: string): Ticket | undefined {
  if (!ADDRESS.test(mintAddress)) return undefined;
  const account = bank.account(mintAddress);
  if (!account || account.owner !== TOKEN_2022_PROGRAM_ID.toBase58() || !asMint(account)) return undefined;
  const mint = unpackMint(
    new PublicKey(mintAddress),
    { data: Buffer.from(account.data), owner: TOKEN_2022_PROGRAM_ID, lamports: 0, executable: false },
    TOKEN_2022_PROGRAM_ID,
  );
  const metadata = getExtensionData(ExtensionType.TokenMetadata, mint.tlvData);
  const { name = '', symbol = '', uri = '', additionalMetadata = [] } = metadata ? unpack(metadata) : {};
  return {
    mintAddress,
    supply: mint.supply,
    decimals: mint.decimals,
    mintAuthority: mint.mintAuthority?.toBase58() ?? null,
    transferable: getExtensionData(ExtensionType.NonTransferable, mint.tlvData) === null,
    name,
    symbol,
    uri,
    attributes: additionalMetadata.map(([key, value]) => [key, value]),
    collection: collectionOf(mint),
    holders: holders(bank, mintAddress),
  };
}

function collectionOf(mint: Mint): string | null {
  return getTokenGroupMemberState(mint)?.group?.toBase58() ?? null;
}

function holders(bank: Bank, mintAddress: string): Ticket['holders'] {
  return [...bank.accounts()].flatMap(([tokenAccount, state]) => {
    const token = asTokenAccount(state);
    if (token?.mint !== mintAddress || token.amount === 0n) return [];
    return [{ owner: token.owner, tokenAccount, amount: token.amount }];
  });
}
