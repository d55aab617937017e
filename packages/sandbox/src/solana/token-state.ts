import {
  ACCOUNT_SIZE,
  AccountLayout,
  AccountType,
  MINT_SIZE,
  MintLayout,
  TOKEN_2022_PROGRAM_ID,
  TOKEN_PROGRAM_ID,
} from '@solana/spl-token';
import type { AccountState } from './engine.ts';

const TOKEN_PROGRAMS = new Set([TOKEN_PROGRAM_ID.toBase58(), TOKEN_2022_PROGRAM_ID.toBase58()]);

export interface MintState {
  decimals: number;
  supply: bigint;
  mintAuthority: string | null;
  freezeAuthority: string | null;
}

export interface TokenAccountState {
  mint: string;
  owner: string;
  amount: bigint;
  state: 'uninitialized' | 'initialized' | 'frozen';
  isNative: boolean;
}

/** The account as a mint of either token program, or undefined when it is none. */
export function asMint(account: AccountState | null | undefined): MintState | undefined {
  if (!account || !isTokenState(account, MINT_SIZE, AccountType.Mint)) return undefined;
  const mint = MintLayout.decode(account.data);
  if (!mint.isInitialized) return undefined;
  return {
    decimals: mint.decimals,
    supply: mint.supply,
    mintAuthority: mint.mintAuthorityOption ? mint.mintAuthority.toBase58() : null,
    freezeAuthority: mint.freezeAuthorityOption ? mint.freezeAuthority.toBase58() : null,
  };
}

/** The account as a token account of either token program, or undefined when it is none. */
export function asTokenAccount(account: AccountState | null | undefined): TokenAccountState | undefined {
  if (!account || !isTokenState(account, ACCOUNT_SIZE, AccountType.Account)) return undefined;
  const token = AccountLayout.decode(account.data);
  if (token.state === 0) return undefined;
  return {
    mint: token.mint.toBase58(),
    owner: token.owner.toBase58(),
    amount: token.amount,
    state: token.state === 2 ? 'frozen' : 'initialized',
    isNative: token.isNativeOption === 1,
  };
}

/** Token-2022 pads a mint with extensions to the size of an account; a type byte behind it tells them apart. */
function isTokenState(account: AccountState, plainSize: number, type: AccountType): boolean {
  if (!TOKEN_PROGRAMS.has(account.owner)) return false;
  return (
    account.data.length === plainSize || (account.data.length > ACCOUNT_SIZE && account.data[ACCOUNT_SIZE] === type)
  );
}

/** An amount as JSON-RPC shows it. */
export function uiTokenAmount(amount: bigint, decimals: number) {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  const uiAmountString = fraction ? `${whole}.${fraction}` : whole;
  return { amount: amount.toString(), decimals, uiAmount: Number(uiAmountString), uiAmountString };
}
