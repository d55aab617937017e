import { PublicKey } from '@solana/web3.js';
import bs58 from 'bs58';
import type { Simulation } from '../engine.ts';
import type { Landed } from '../ledger.ts';
import type { Bank } from '../node.ts';
import { errorText } from '../transaction-error.ts';
import { parseTransaction, signaturesVerify, WireError, type WireTransaction, withBlockhash } from '../wire.ts';
import {
  INVALID_PARAMS,
  PREFLIGHT_FAILURE,
  type RpcCall,
  RpcError,
  type RpcMethod,
  SIGNATURE_VERIFICATION_FAILURE,
  toAddress,
  toCommitment,
  withContext,
} from './call.ts';
import { encodeAccount } from './encoding.ts';
import { encodeTransaction } from './transaction-encoding.ts';

/** Slots whose signatures a node finds without looking into the long-term history. */
const STATUS_CACHE_SLOTS = 300;

/** Methods that send transactions and tell what became of them. */
export const transactionMethods: Record<string, RpcMethod> = {
  sendTransaction: (call) => {
    const wire = decode(call);
    const config = call.config(1);
    if (config.skipPreflight !== true) preflight(call, wire);
    call.cluster.ledger.submit(wire);
    return wire.signature;
  },

  simulateTransaction: (call) => {
    const config = call.config(1);
    if (config.sigVerify === true && config.replaceRecentBlockhash === true) {
      throw new RpcError(INVALID_PARAMS, 'sigVerify may not be used with replaceRecentBlockhash');
    }
    const bank = call.bank(1);
    let wire = decode(call);
    if (config.replaceRecentBlockhash === true) wire = withBlockhash(wire, call.cluster.blockhashes.at(bank.slot));
    if (config.sigVerify === true && !signaturesVerify(wire)) {
      throw new RpcError(SIGNATURE_VERIFICATION_FAILURE, 'Transaction signature verification failure');
    }
    const simulation = simulate(call, wire, bank);
    const wanted = (config.accounts as { addresses?: string[]; encoding?: string } | undefined)?.addresses;
    return withContext(bank, {
      ...simulationJson(simulation),
      accounts: wanted
        ? wanted.map((address) => {
            const state = simulation.postAccounts.get(toAddress(address)) ?? bank.account(address);
            return state && encodeAccount(state, { encoding: 'base64' }, bank);
          })
        : null,
    });
  },

  getSignatureStatuses: (call) => {
    const signatures = call.strings(0, 256);
    const history = call.config(1).searchTransactionHistory === true;
    const bank = call.node.bank('processed');
    return withContext(
      bank,
      signatures.map((signature) => signatureStatus(call, signature, history)),
    );
  },

  getTransaction: (call) => {
    const landed = call.cluster.ledger.landed(call.string(0));
    if (!landed || landed.slot > call.bank(1).slot) return null;
    return encodeTransaction(landed, call.config(1));
  },

  getSignaturesForAddress: (call) => {
    const { limit = 1_000, before, until } = call.config(1) as { limit?: number; before?: string; until?: string };
    if (limit < 1 || limit > 1_000) throw new RpcError(INVALID_PARAMS, 'Invalid limit; max 1000');
    const bank = call.bank(1);
    const newestFirst = call.cluster.ledger
      .ofAccount(call.address(0))
      .toReversed()
      .filter(({ slot }) => slot <= bank.slot);
    const from = before === undefined ? 0 : newestFirst.findIndex(({ wire }) => wire.signature === before) + 1;
    const to = newestFirst.findIndex(({ wire }) => wire.signature === until);
    return newestFirst
      .slice(from, to === -1 ? undefined : to)
      .slice(0, limit)
      .map((landed) => ({
        signature: landed.wire.signature,
        slot: landed.slot,
        err: landed.execution.error,
        memo: null,
        blockTime: landed.blockTime,
        confirmationStatus: call.node.depth(landed.slot)?.confirmationStatus ?? null,
      }));
  },

  requestAirdrop: (call) => call.cluster.airdrop(new PublicKey(call.address(0)), call.number(1)),
};

/** What this node knows of a signature, or null. */
export function signatureStatus(call: RpcCall, signature: string, history: boolean) {
  const landed = call.cluster.ledger.landed(signature);
  if (landed) {
    const depth = call.node.depth(landed.slot);
    if (!depth || (!history && landed.slot < call.node.tip - STATUS_CACHE_SLOTS)) return null;
    return { slot: landed.slot, ...depth, ...outcome(landed) };
  }
  const slot = call.cluster.ledger.forked(signature, call.node.tip);
  if (slot === undefined) return null;
  return { slot, confirmations: 0, confirmationStatus: 'processed', err: null, status: { Ok: null } };
}

function outcome({ execution: { error } }: Landed) {
  return { err: error, status: error === null ? { Ok: null } : { Err: error } };
}

function preflight(call: RpcCall, wire: WireTransaction): void {
  if (!signaturesVerify(wire)) {
    throw new RpcError(SIGNATURE_VERIFICATION_FAILURE, 'Transaction signature verification failure');
  }
  call.bank(1, 'preflightCommitment');
  const bank = call.node.bank(toCommitment(call.config(1).preflightCommitment));
  const simulation = simulate(call, wire, bank);
  if (simulation.error === null) return;
  const message = `Transaction simulation failed: ${errorText(simulation.error)}`;
  throw new RpcError(PREFLIGHT_FAILURE, message, { accounts: null, ...simulationJson(simulation) });
}

function simulate(call: RpcCall, wire: WireTransaction, bank: Bank): Simulation {
  if (!bank.takesBlockhash(wire.blockhash)) return failed('BlockhashNotFound');
  const landed = call.cluster.ledger.landed(wire.signature);
  if (landed && landed.slot <= bank.slot) return failed('AlreadyProcessed');
  call.cluster.engine.setTime(bank.slot, call.cluster.slots.blockTime(bank.slot));
  return call.cluster.engine.simulate(wire, { verify: false, view: bank.older(wire.keys) });
}

function failed(error: string): Simulation {
  return { error, logs: [], unitsConsumed: 0, innerInstructions: [], returnData: null, postAccounts: new Map() };
}

function simulationJson({ error, logs, unitsConsumed, returnData }: Simulation) {
  return { err: error, logs, unitsConsumed, returnData, innerInstructions: null, replacementBlockhash: null };
}

function decode(call: RpcCall): WireTransaction {
  const text = call.string(0);
  const { encoding = 'base58' } = call.config(1);
  try {
    return parseTransaction(encoding === 'base64' ? Buffer.from(text, 'base64') : bs58.decode(text));
  } catch (error) {
    if (!(error instanceof WireError)) throw new RpcError(INVALID_PARAMS, `invalid ${String(encoding)} encoding`);
    throw new RpcError(INVALID_PARAMS, error.message);
  }
}
