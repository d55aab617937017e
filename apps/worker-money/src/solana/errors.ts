import { JobError, PermanentError, RateLimitedError, RetryableError } from '@queue-service/contracts';
import { SolanaJSONRPCError, SystemProgram } from '@solana/web3.js';

/** How long jobs wait when the mint authority is out of lamports: somebody has to fill it up. */
const lowBalanceRetryMs = 60_000;
/** Code of the wait for lamports. */
export const MINT_AUTHORITY_LOW = 'mint_authority_low';
const defaultRetryAfterMs = 2_000;

/** The node has not reached the slot that was asked for; it is well, and will in a moment. */
export const NODE_BEHIND = 'node_behind';

/**
 * What an error of a request to an RPC node means. All requests of this service to a node either only read, or send
 * bytes that are sent again until the chain has answered; so no error of a node tells that something happened.
 */
export function mapRpcError(error: unknown): JobError {
  if (error instanceof JobError) return error;
  if (error instanceof SolanaJSONRPCError) return mapJsonRpcError(error.code, error);
  // Answers that are not of the shape web3.js expects, and whatever else it throws.
  const kind = error instanceof Error ? error.name : typeof error;
  return new RetryableError({
    code: 'provider_error',
    message: `The RPC node's answer could not be used (${kind})`,
    cause: error,
  });
}

/** https://github.com/anza-xyz/agave/blob/master/rpc-client-api/src/custom_error.rs */
function mapJsonRpcError(code: unknown, cause: unknown): JobError {
  const message = `The RPC node answered with error ${String(code)}`;
  switch (code) {
    case 429:
    case -32429:
      return new RateLimitedError({ code: 'provider_rate_limited', message, retryAfterMs: defaultRetryAfterMs });
    case -32600:
    case -32601:
    case -32602:
      return new PermanentError({ code: 'invalid_request', message, cause });
    case -32016:
      return new RetryableError({ code: NODE_BEHIND, message });
    default:
      // Unhealthy, pruned, still starting: another node, or later.
      return new RetryableError({ code: 'provider_error', message, cause });
  }
}

/** What the status of an HTTP answer means, before web3.js sees it; null when web3.js shall. */
export function mapHttpStatus(status: number, retryAfter: string | null, nowMs: number): JobError | null {
  if (status === 429) {
    const message = 'The RPC node asks for patience (429)';
    return new RateLimitedError({
      code: 'provider_rate_limited',
      message,
      retryAfterMs: retryAfterMs(retryAfter, nowMs),
    });
  }
  if (status === 401 || status === 403) {
    return new PermanentError({ code: 'provider_authentication_failed', message: `The RPC node answered ${status}` });
  }
  if (status >= 400) return new RetryableError({ code: 'provider_error', message: `The RPC node answered ${status}` });
  return null;
}

/** What a request that got no answer means. Messages name no URL: many hold an access key. */
export function mapFetchError(error: unknown): JobError {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new RetryableError({ code: 'provider_timeout', message: 'The RPC node did not answer in time' });
  }
  const cause = (error as { cause?: { code?: unknown } }).cause?.code;
  const reason = typeof cause === 'string' ? cause : 'connection failed';
  return new RetryableError({ code: 'provider_unreachable', message: `No connection to the RPC node: ${reason}` });
}

/** RFC 9110: seconds, or a date. */
function retryAfterMs(value: string | null, nowMs: number): number {
  if (value === null) return defaultRetryAfterMs;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? ms : defaultRetryAfterMs;
}

/** Errors of the cluster's load or of the moment; the same transaction may pass later. */
const passing = new Set([
  'AccountInUse',
  'BlockhashNotFound',
  'ClusterMaintenance',
  'CommitCancelled',
  'ProgramCacheHitMaxLimit',
  'ResanitizationNeeded',
  'WouldExceedAccountDataBlockLimit',
  'WouldExceedAccountDataTotalLimit',
  'WouldExceedMaxAccountCostLimit',
  'WouldExceedMaxBlockCostLimit',
]);

/** Errors that say that the fee payer, which is the mint authority, has too little. */
const unfunded = new Set(['AccountNotFound', 'InsufficientFundsForFee', 'InsufficientFundsForRent']);

/** The System Program's ResultWithNegativeLamports. */
const SYSTEM_NEGATIVE_LAMPORTS = 1;

/**
 * What a transaction's own error means, from a simulation or from its block.
 * @param programs the program of each instruction, base58, to tell whose custom code it is
 */
export function mapTransactionError(error: unknown, programs: readonly string[]): JobError {
  if (typeof error === 'string') {
    if (unfunded.has(error)) return mintAuthorityLow();
    const message = `The transaction failed: ${error}`;
    if (passing.has(error)) return new RetryableError({ code: 'transaction_failed', message });
    return new PermanentError({ code: 'transaction_rejected', message });
  }
  const kind = Object.keys(error as object)[0] ?? 'unknown';
  if (unfunded.has(kind)) return mintAuthorityLow();
  if (kind !== 'InstructionError')
    return new PermanentError({ code: 'transaction_rejected', message: `The transaction failed: ${kind}` });

  const [index, inner] = (error as { InstructionError: [number, string | { Custom?: number }] }).InstructionError;
  const program = programs[index] ?? 'unknown program';
  const custom = typeof inner === 'string' ? undefined : inner.Custom;
  if (program === SystemProgram.programId.toBase58() && custom === SYSTEM_NEGATIVE_LAMPORTS) return mintAuthorityLow();
  const reason = custom === undefined ? JSON.stringify(inner) : `code ${custom}`;
  const message = `The transaction failed at instruction ${index} (${program}): ${reason}`;
  if (inner === 'ComputationalBudgetExceeded') return new RetryableError({ code: 'transaction_failed', message });
  return new PermanentError({ code: 'transaction_rejected', message });
}

/** Not the job's fault and not for it to fail over: it waits, without using attempts, until lamports are there. */
export function mintAuthorityLow(): RateLimitedError {
  return new RateLimitedError({
    code: MINT_AUTHORITY_LOW,
    message: 'The mint authority has too few lamports for rent and fees',
    retryAfterMs: lowBalanceRetryMs,
  });
}
