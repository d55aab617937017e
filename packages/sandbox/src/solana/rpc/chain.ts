import { VersionedMessage } from '@solana/web3.js';
import { API_VERSION, INVALID_PARAMS, NODE_UNHEALTHY, RpcError, type RpcMethod, withContext } from './call.ts';

const SLOTS_PER_EPOCH = 432_000;
const HEALTHY_LAG_SLOTS = 128;
const LAMPORTS_PER_SIGNATURE = 5_000;
/** Fees are reported for the last 150 blocks. */
const FEE_WINDOW_SLOTS = 150;

/** Methods about slots, blocks and fees. */
export const chainMethods: Record<string, RpcMethod> = {
  getSlot: (call) => call.bank(0).slot,

  getBlockHeight: (call) => call.bank(0).blockHeight,

  getLatestBlockhash: (call) => {
    const bank = call.bank(0);
    const { blockhashes } = call.cluster;
    return withContext(bank, {
      blockhash: blockhashes.at(bank.slot),
      lastValidBlockHeight: blockhashes.lastValidBlockHeight(bank.slot),
    });
  },

  isBlockhashValid: (call) => {
    const bank = call.bank(1);
    return withContext(bank, bank.takesBlockhash(call.string(0)));
  },

  getFeeForMessage: (call) => {
    const bank = call.bank(1);
    const message = VersionedMessage.deserialize(Buffer.from(call.string(0), 'base64'));
    if (!bank.takesBlockhash(message.recentBlockhash)) return withContext(bank, null);
    return withContext(bank, message.header.numRequiredSignatures * LAMPORTS_PER_SIGNATURE);
  },

  getRecentPrioritizationFees: (call) => {
    const accounts = call.param(0) === undefined ? [] : call.strings(0, 128);
    const { tip } = call.node;
    const lowest = new Map<number, number>();
    for (let slot = tip - FEE_WINDOW_SLOTS + 1; slot <= tip; slot++) lowest.set(slot, 0);
    for (const landed of call.cluster.ledger.since(tip - FEE_WINDOW_SLOTS + 1)) {
      if (landed.slot > tip || !accounts.every((account) => landed.wire.writable.includes(account))) continue;
      const known = lowest.get(landed.slot);
      lowest.set(landed.slot, known ? Math.min(known, landed.wire.unitPrice) : landed.wire.unitPrice);
    }
    return [...lowest].map(([slot, prioritizationFee]) => ({ slot, prioritizationFee }));
  },

  getEpochInfo: (call) => {
    const { slot, blockHeight: height } = call.bank(0);
    return {
      absoluteSlot: slot,
      blockHeight: height,
      epoch: Math.floor(slot / SLOTS_PER_EPOCH),
      slotIndex: slot % SLOTS_PER_EPOCH,
      slotsInEpoch: SLOTS_PER_EPOCH,
      transactionCount: call.cluster.ledger.size,
    };
  },

  getBlockTime: (call) => {
    const slot = call.number(0);
    if (slot > call.node.tip) throw new RpcError(-32004, `Block not available for slot ${slot}`);
    return call.cluster.slots.blockTime(slot);
  },

  getTransactionCount: (call) => call.cluster.ledger.size,

  getGenesisHash: (call) => call.cluster.genesisHash,

  getVersion: () => ({ 'solana-core': API_VERSION, 'feature-set': 3_640_012_085 }),

  getHealth: (call) => {
    const { lag } = call.node;
    if (lag > HEALTHY_LAG_SLOTS)
      throw new RpcError(NODE_UNHEALTHY, `Node is behind by ${lag} slots`, { numSlotsBehind: lag });
    return 'ok';
  },

  getMinimumBalanceForRentExemption: (call) => {
    const bytes = call.number(0);
    if (bytes < 0) throw new RpcError(INVALID_PARAMS, 'Invalid params: expected a length of 0 or more.');
    return call.cluster.engine.rentExemption(bytes);
  },

  getFirstAvailableBlock: () => 0,
};
