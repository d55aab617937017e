import { Keypair } from '@solana/web3.js';
import bs58 from 'bs58';

/**
 * Reads the mint authority's secret key: base58, as wallets export it, or the JSON array of `solana-keygen`.
 * @throws Error that says what is wrong, and nothing of the key
 */
export function parseMintAuthority(text: string): Keypair {
  const bytes = text.trim().startsWith('[') ? fromJson(text) : fromBase58(text.trim());
  if (bytes.length !== 64)
    throw new Error(`SOLANA_MINT_AUTHORITY must hold a secret key of 64 bytes, not ${bytes.length}`);
  try {
    return Keypair.fromSecretKey(bytes);
  } catch {
    throw new Error('SOLANA_MINT_AUTHORITY is no key pair: its public half does not belong to its secret half');
  }
}

function fromBase58(text: string): Uint8Array {
  const bytes = bs58.decodeUnsafe(text);
  if (bytes === undefined) throw new Error('SOLANA_MINT_AUTHORITY is neither base58 nor a JSON array of bytes');
  return bytes;
}

function fromJson(text: string): Uint8Array {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('SOLANA_MINT_AUTHORITY starts like a JSON array and is none');
  }
  const isByte = (entry: unknown) => Number.isInteger(entry) && (entry as number) >= 0 && (entry as number) <= 255;
  if (!Array.isArray(value) || !value.every(isByte))
    throw new Error('SOLANA_MINT_AUTHORITY must be a JSON array of bytes');
  return Uint8Array.from(value as number[]);
}
