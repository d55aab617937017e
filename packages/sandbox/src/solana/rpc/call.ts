import { PublicKey } from '@solana/web3.js';
import type { Cluster } from '../cluster.ts';
import type { Bank, Commitment, SolanaNode } from '../node.ts';

/** An error as JSON-RPC carries it; codes as in Agave's `rpc_custom_error.rs`. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export const INVALID_PARAMS = -32602;
export const PREFLIGHT_FAILURE = -32002;
export const SIGNATURE_VERIFICATION_FAILURE = -32003;
export const NODE_UNHEALTHY = -32005;
const MIN_CONTEXT_SLOT_NOT_REACHED = -32016;

/** One request to one node, with typed access to its loosely typed parameters. */
export class RpcCall {
  readonly cluster: Cluster;
  readonly node: SolanaNode;
  readonly #params: readonly unknown[];

  constructor(cluster: Cluster, node: SolanaNode, params: readonly unknown[]) {
    this.cluster = cluster;
    this.node = node;
    this.#params = params;
  }

  param(index: number): unknown {
    return this.#params[index];
  }

  string(index: number): string {
    const value = this.#params[index];
    if (typeof value !== 'string')
      throw new RpcError(INVALID_PARAMS, `Invalid params: expected a string at position ${index}.`);
    return value;
  }

  number(index: number): number {
    const value = this.#params[index];
    if (typeof value !== 'number')
      throw new RpcError(INVALID_PARAMS, `Invalid params: expected a number at position ${index}.`);
    return value;
  }

  address(index: number): string {
    return toAddress(this.string(index));
  }

  strings(index: number, most: number): string[] {
    const value = this.#params[index];
    if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
      throw new RpcError(INVALID_PARAMS, `Invalid params: expected an array of strings at position ${index}.`);
    }
    if (value.length > most) throw new RpcError(INVALID_PARAMS, `Too many inputs provided; max ${most}`);
    return value;
  }

  config(index: number): Record<string, unknown> {
    const value = this.#params[index];
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  }

  /** The node's state at the commitment of the configuration at `index`. @throws RpcError behind `minContextSlot`. */
  bank(index: number, key = 'commitment'): Bank {
    const config = this.config(index);
    const bank = this.node.bank(toCommitment(config[key]));
    if (typeof config.minContextSlot === 'number' && bank.slot < config.minContextSlot) {
      throw new RpcError(MIN_CONTEXT_SLOT_NOT_REACHED, 'Minimum context slot has not been reached', {
        contextSlot: bank.slot,
      });
    }
    return bank;
  }
}

export type RpcMethod = (call: RpcCall) => unknown;

export const API_VERSION = '3.0.6';

export function withContext(bank: Bank, value: unknown) {
  return { context: { apiVersion: API_VERSION, slot: bank.slot }, value };
}

export function toAddress(text: string): string {
  try {
    return new PublicKey(text).toBase58();
  } catch {
    throw new RpcError(INVALID_PARAMS, 'Invalid param: Invalid');
  }
}

/** Commitments by their old names are still sent by old clients. */
export function toCommitment(value: unknown): Commitment {
  switch (value) {
    case 'processed':
    case 'recent':
      return 'processed';
    case 'confirmed':
    case 'single':
    case 'singleGossip':
      return 'confirmed';
    case undefined:
    case null:
    case 'finalized':
    case 'max':
    case 'root':
      return 'finalized';
    default:
      throw new RpcError(
        INVALID_PARAMS,
        `Invalid params: unknown variant \`${String(value)}\`, expected one of processed, confirmed, finalized.`,
      );
  }
}
