import bs58 from 'bs58';
import type { Landed } from '../ledger.ts';
import { INVALID_PARAMS, RpcError } from './call.ts';

/** A transaction of a block as JSON-RPC shows it. */
export function encodeTransaction(landed: Landed, config: Record<string, unknown>) {
  const { wire, slot, blockTime } = landed;
  const { version } = wire.transaction;
  if (version !== 'legacy' && config.maxSupportedTransactionVersion === undefined) {
    throw new RpcError(
      -32015,
      `Transaction version (${version}) is not supported by the requesting client. Please try the request again with the following configuration parameter: "maxSupportedTransactionVersion": ${version}`,
    );
  }
  return {
    slot,
    blockTime,
    transaction: encodeBody(landed, config.encoding),
    meta: encodeMeta(landed),
    ...(config.maxSupportedTransactionVersion !== undefined && { version }),
  };
}

function encodeMeta({ wire, execution, balances }: Landed) {
  return {
    err: execution.error,
    status: execution.error === null ? { Ok: null } : { Err: execution.error },
    fee: wire.fee,
    ...balances,
    innerInstructions: execution.innerInstructions,
    logMessages: execution.logs,
    rewards: [],
    loadedAddresses: { readonly: [], writable: [] },
    computeUnitsConsumed: execution.unitsConsumed,
    ...(execution.returnData && { returnData: execution.returnData }),
  };
}

function encodeBody({ wire }: Landed, encoding: unknown) {
  switch (encoding) {
    case undefined:
    case 'json':
      return { signatures: signatures(wire), message: messageJson(wire) };
    case 'jsonParsed':
      return { signatures: signatures(wire), message: partiallyParsed(wire) };
    case 'base64':
      return [Buffer.from(wire.bytes).toString('base64'), 'base64'];
    case 'base58':
      return [bs58.encode(wire.bytes), 'base58'];
    default:
      throw new RpcError(INVALID_PARAMS, `Invalid params: unknown encoding \`${String(encoding)}\`.`);
  }
}

type Wire = Landed['wire'];

function signatures({ transaction }: Wire): string[] {
  return transaction.signatures.map((signature) => bs58.encode(signature));
}

function messageJson({ transaction: { message }, keys }: Wire) {
  return {
    header: message.header,
    accountKeys: keys,
    recentBlockhash: message.recentBlockhash,
    instructions: message.compiledInstructions.map(({ programIdIndex, accountKeyIndexes, data }) => ({
      programIdIndex,
      accounts: accountKeyIndexes,
      data: bs58.encode(data),
      stackHeight: null,
    })),
    ...(message.version === 0 && { addressTableLookups: [] }),
  };
}

/** Instructions stay bytes, as a real node leaves those of programs it does not know. */
function partiallyParsed({ transaction: { message }, keys, writable }: Wire) {
  return {
    accountKeys: keys.map((pubkey, index) => ({
      pubkey,
      signer: index < message.header.numRequiredSignatures,
      writable: writable.includes(pubkey),
      source: 'transaction',
    })),
    recentBlockhash: message.recentBlockhash,
    instructions: message.compiledInstructions.map(({ programIdIndex, accountKeyIndexes, data }) => ({
      programId: keys[programIdIndex],
      accounts: accountKeyIndexes.map((index) => keys[index]),
      data: bs58.encode(data),
      stackHeight: null,
    })),
  };
}
