import { zstdCompressSync } from 'node:zlib';
import bs58 from 'bs58';
import type { AccountState } from '../engine.ts';
import type { Bank } from '../node.ts';
import { asMint, asTokenAccount, uiTokenAmount } from '../token-state.ts';
import { INVALID_PARAMS, RpcError } from './call.ts';

/** Never rent-paying: what every account shows since rent collection ended. */
const RENT_EPOCH = 18_446_744_073_709_551_615n;

/** An account as JSON-RPC shows it, in the encoding and part that the configuration asks for. */
export function encodeAccount(state: AccountState, config: Record<string, unknown>, bank: Bank) {
  return {
    data: encodeData(state, config, bank),
    executable: state.executable,
    lamports: Number(state.lamports),
    owner: state.owner,
    rentEpoch: Number(RENT_EPOCH),
    space: state.data.length,
  };
}

function encodeData(state: AccountState, config: Record<string, unknown>, bank: Bank) {
  const data = Buffer.from(slice(state.data, config.dataSlice));
  switch (config.encoding) {
    case undefined:
      return bs58.encode(data);
    case 'base58':
      if (data.length > 128) {
        throw new RpcError(
          INVALID_PARAMS,
          'Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.',
        );
      }
      return [bs58.encode(data), 'base58'];
    case 'base64+zstd':
      return [zstdCompressSync(data).toString('base64'), 'base64+zstd'];
    case 'jsonParsed':
      return parsed(state, bank) ?? [data.toString('base64'), 'base64'];
    case 'base64':
      return [data.toString('base64'), 'base64'];
    default:
      throw new RpcError(INVALID_PARAMS, `Invalid params: unknown encoding \`${String(config.encoding)}\`.`);
  }
}

function slice(data: Uint8Array, part: unknown): Uint8Array {
  if (typeof part !== 'object' || part === null) return data;
  const { offset, length } = part as { offset: number; length: number };
  return data.subarray(offset, offset + length);
}

/** Token accounts and mints are taken apart; a real node answers bytes for what it cannot parse, and so does this. */
function parsed(state: AccountState, bank: Bank) {
  const program = state.owner === 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA' ? 'spl-token' : 'spl-token-2022';
  const space = state.data.length;
  const token = asTokenAccount(state);
  if (token) {
    const decimals = asMint(bank.account(token.mint))?.decimals ?? 0;
    const { mint, owner, isNative, state: status } = token;
    const info = { isNative, mint, owner, state: status, tokenAmount: uiTokenAmount(token.amount, decimals) };
    return { program, parsed: { type: 'account', info }, space };
  }
  const mint = asMint(state);
  if (!mint) return undefined;
  const { decimals, freezeAuthority, mintAuthority, supply } = mint;
  const info = { decimals, freezeAuthority, isInitialized: true, mintAuthority, supply: supply.toString() };
  return { program, parsed: { type: 'mint', info }, space };
}
