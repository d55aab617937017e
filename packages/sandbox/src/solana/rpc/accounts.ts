import bs58 from 'bs58';
import type { AccountState } from '../engine.ts';
import { INVALID_PARAMS, type RpcCall, RpcError, type RpcMethod, toAddress, withContext } from './call.ts';
import { encodeAccount } from './encoding.ts';

/** Methods that read accounts. */
export const accountMethods: Record<string, RpcMethod> = {
  getAccountInfo: (call) => {
    const bank = call.bank(1);
    const state = bank.account(call.address(0));
    return withContext(bank, state && encodeAccount(state, call.config(1), bank));
  },

  getMultipleAccounts: (call) => {
    const bank = call.bank(1);
    const states = call.strings(0, 100).map((key) => bank.account(toAddress(key)));
    return withContext(
      bank,
      states.map((state) => state && encodeAccount(state, call.config(1), bank)),
    );
  },

  getBalance: (call) => {
    const bank = call.bank(1);
    return withContext(bank, Number(bank.account(call.address(0))?.lamports ?? 0n));
  },

  getProgramAccounts: (call) => {
    const bank = call.bank(1);
    const config = call.config(1);
    const program = call.address(0);
    const filters = accountFilters(call);
    const accounts = [...bank.accounts()]
      .filter(([, state]) => state.owner === program && filters.every((matches) => matches(state)))
      .map(([pubkey, state]) => ({ pubkey, account: encodeAccount(state, config, bank) }));
    return config.withContext === true ? withContext(bank, accounts) : accounts;
  },
};

function accountFilters(call: RpcCall): ((state: AccountState) => boolean)[] {
  const { filters = [] } = call.config(1);
  if (!Array.isArray(filters) || filters.length > 4)
    throw new RpcError(INVALID_PARAMS, 'Too many filters provided; max 4');
  return filters.map((filter: Record<string, unknown>) => {
    if (typeof filter.dataSize === 'number') return (state: AccountState) => state.data.length === filter.dataSize;
    const { offset, bytes, encoding } = (filter.memcmp ?? {}) as { offset?: number; bytes?: string; encoding?: string };
    if (offset === undefined || bytes === undefined)
      throw new RpcError(INVALID_PARAMS, 'Invalid params: unknown filter.');
    const wanted = encoding === 'base64' ? Buffer.from(bytes, 'base64') : Buffer.from(bs58.decode(bytes));
    return (state: AccountState) => wanted.equals(state.data.subarray(offset, offset + wanted.length));
  });
}
