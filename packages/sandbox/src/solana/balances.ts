import type { AccountState } from './engine.ts';
import { asMint, asTokenAccount, uiTokenAmount } from './token-state.ts';

interface TokenBalance {
  accountIndex: number;
  mint: string;
  owner: string;
  programId: string;
  uiTokenAmount: ReturnType<typeof uiTokenAmount>;
}

/** What a transaction's accounts held before and after it, in the order of its keys. */
export interface Balances {
  preBalances: number[];
  postBalances: number[];
  preTokenBalances: TokenBalance[];
  postTokenBalances: TokenBalance[];
}

type Lookup = (key: string) => AccountState | null;

export interface Holdings {
  lamports: number[];
  tokens: TokenBalance[];
}

export function holdings(keys: readonly string[], account: Lookup): Holdings {
  const states = keys.map(account);
  const tokens = states.flatMap((state, accountIndex) => {
    const token = asTokenAccount(state);
    if (!state || !token) return [];
    const decimals = asMint(account(token.mint))?.decimals ?? 0;
    return [
      {
        accountIndex,
        mint: token.mint,
        owner: token.owner,
        programId: state.owner,
        uiTokenAmount: uiTokenAmount(token.amount, decimals),
      },
    ];
  });
  return { lamports: states.map((state) => Number(state?.lamports ?? 0n)), tokens };
}

/** What the transaction brought into being: the mints of which its accounts hold more than before, all together. */
export function mintedIn({ preTokenBalances, postTokenBalances }: Balances): { mint: string; amount: bigint }[] {
  const rise = new Map<string, bigint>();
  const add = (balance: TokenBalance, sign: bigint) =>
    rise.set(balance.mint, (rise.get(balance.mint) ?? 0n) + sign * BigInt(balance.uiTokenAmount.amount));
  for (const balance of preTokenBalances) add(balance, -1n);
  for (const balance of postTokenBalances) add(balance, 1n);
  return [...rise].filter(([, amount]) => amount > 0n).map(([mint, amount]) => ({ mint, amount }));
}
