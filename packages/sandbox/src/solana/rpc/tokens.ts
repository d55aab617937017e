import { asMint, asTokenAccount, uiTokenAmount } from '../token-state.ts';
import { INVALID_PARAMS, RpcError, type RpcMethod, toAddress, withContext } from './call.ts';
import { encodeAccount } from './encoding.ts';

/** Methods that know tokens of both programs. */
export const tokenMethods: Record<string, RpcMethod> = {
  getTokenAccountBalance: (call) => {
    const bank = call.bank(1);
    const token = asTokenAccount(bank.account(call.address(0)));
    if (!token) throw new RpcError(INVALID_PARAMS, 'Invalid param: could not find account');
    return withContext(bank, uiTokenAmount(token.amount, asMint(bank.account(token.mint))?.decimals ?? 0));
  },

  getTokenSupply: (call) => {
    const bank = call.bank(1);
    const mint = asMint(bank.account(call.address(0)));
    if (!mint) throw new RpcError(INVALID_PARAMS, 'Invalid param: could not find account');
    return withContext(bank, uiTokenAmount(mint.supply, mint.decimals));
  },

  getTokenAccountsByOwner: (call) => {
    const bank = call.bank(2);
    const owner = call.address(0);
    const { mint, programId } = call.config(1);
    if (typeof mint !== 'string' && typeof programId !== 'string') {
      throw new RpcError(INVALID_PARAMS, 'Invalid params: expected mint or programId.');
    }
    const wantedMint = typeof mint === 'string' ? toAddress(mint) : undefined;
    const accounts = [...bank.accounts()].filter(([, state]) => {
      const token = asTokenAccount(state);
      if (token?.owner !== owner) return false;
      return wantedMint === undefined ? state.owner === programId : token.mint === wantedMint;
    });
    const config = call.config(2);
    return withContext(
      bank,
      accounts.map(([pubkey, state]) => ({ pubkey, account: encodeAccount(state, config, bank) })),
    );
  },

  getTokenLargestAccounts: (call) => {
    const bank = call.bank(1);
    const mintAddress = call.address(0);
    const mint = asMint(bank.account(mintAddress));
    if (!mint) throw new RpcError(INVALID_PARAMS, 'Invalid param: not a Token mint');
    const holders = [...bank.accounts()]
      .flatMap(([address, state]) => {
        const token = asTokenAccount(state);
        return token?.mint === mintAddress ? [{ address, amount: token.amount }] : [];
      })
      .sort((a, b) => Number(b.amount - a.amount))
      .slice(0, 20);
    return withContext(
      bank,
      holders.map(({ address, amount }) => ({ address, ...uiTokenAmount(amount, mint.decimals) })),
    );
  },
};
