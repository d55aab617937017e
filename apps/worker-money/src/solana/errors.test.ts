import { SolanaJSONRPCError, SystemProgram } from '@solana/web3.js';
import { expect, test } from 'vitest';
import { mapFetchError, mapHttpStatus, mapRpcError, mapTransactionError } from './errors.ts';

const system = SystemProgram.programId.toBase58();

test.each([
  ['AccountNotFound', 'RateLimitedError', 'mint_authority_low'],
  ['InsufficientFundsForFee', 'RateLimitedError', 'mint_authority_low'],
  [{ InsufficientFundsForRent: { account_index: 0 } }, 'RateLimitedError', 'mint_authority_low'],
  [{ InstructionError: [0, { Custom: 1 }] }, 'RateLimitedError', 'mint_authority_low'],
  [{ InstructionError: [1, { Custom: 1 }] }, 'PermanentError', 'transaction_rejected'],
  [{ InstructionError: [1, 'InvalidAccountData'] }, 'PermanentError', 'transaction_rejected'],
  [{ InstructionError: [1, 'ComputationalBudgetExceeded'] }, 'RetryableError', 'transaction_failed'],
  [{ DuplicateInstruction: 3 }, 'PermanentError', 'transaction_rejected'],
  ['WouldExceedMaxAccountCostLimit', 'RetryableError', 'transaction_failed'],
  ['BlockhashNotFound', 'RetryableError', 'transaction_failed'],
  ['SanitizeFailure', 'PermanentError', 'transaction_rejected'],
])('a transaction that fails with %j is a %s %s', (error, name, code) => {
  expect(mapTransactionError(error, [system, 'Token'])).toMatchObject({ name, code });
});

test.each([
  [-32602, 'PermanentError', 'invalid_request'],
  [-32005, 'RetryableError', 'provider_error'],
  [-32016, 'RetryableError', 'node_behind'],
  [429, 'RateLimitedError', 'provider_rate_limited'],
])('a JSON-RPC error %i is a %s %s', (code, name, ours) => {
  const error = new SolanaJSONRPCError({ code, message: 'words of the node' });
  expect(mapRpcError(error)).toMatchObject({ name, code: ours });
  expect(mapRpcError(error).message).not.toContain('words of the node');
});

test('an answer of another shape is worth another try', () => {
  expect(mapRpcError(new TypeError('x'))).toMatchObject({ name: 'RetryableError', code: 'provider_error' });
});

test.each([
  [429, '3', 'RateLimitedError', { retryAfterMs: 3_000 }],
  [429, new Date(10_000).toUTCString(), 'RateLimitedError', { retryAfterMs: 5_000 }],
  [429, null, 'RateLimitedError', { retryAfterMs: 2_000 }],
  [429, 'soon', 'RateLimitedError', { retryAfterMs: 2_000 }],
  [403, null, 'PermanentError', { code: 'provider_authentication_failed' }],
  [404, null, 'RetryableError', { code: 'provider_error' }],
  [503, null, 'RetryableError', { code: 'provider_error' }],
])('HTTP %i with Retry-After %s is a %s', (status, retryAfter, name, more) => {
  expect(mapHttpStatus(status, retryAfter, 5_000)).toMatchObject({ name, ...more });
});

test('HTTP 200 is no error', () => {
  expect(mapHttpStatus(200, null, 0)).toBeNull();
});

test('a connection that fails names its reason and not the URL, which may hold a key', () => {
  const refused = new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
  expect(mapFetchError(refused)).toMatchObject({
    code: 'provider_unreachable',
    message: 'No connection to the RPC node: ECONNREFUSED',
  });
  expect(mapFetchError(new DOMException('late', 'TimeoutError'))).toMatchObject({ code: 'provider_timeout' });
});
