import type { Cluster } from '../cluster.ts';
import type { SolanaNode } from '../node.ts';
import { accountMethods } from './accounts.ts';
import { RpcCall, RpcError, type RpcMethod } from './call.ts';
import { chainMethods } from './chain.ts';
import { tokenMethods } from './tokens.ts';
import { transactionMethods } from './transactions.ts';

const methods: ReadonlyMap<string, RpcMethod> = new Map(
  Object.entries({ ...chainMethods, ...accountMethods, ...tokenMethods, ...transactionMethods }),
);

/** Answers the body of a JSON-RPC POST: one request or a batch. */
export function respond(cluster: Cluster, node: SolanaNode, body: string): unknown {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return failure(null, -32700, 'Parse error');
  }
  cluster.ledger.catchUp();
  return Array.isArray(request) ? request.map((entry) => answer(cluster, node, entry)) : answer(cluster, node, request);
}

function answer(cluster: Cluster, node: SolanaNode, request: unknown): unknown {
  const { id = null, method, params = [] } = (request ?? {}) as { id?: unknown; method?: unknown; params?: unknown };
  if (typeof method !== 'string' || !Array.isArray(params)) return failure(id, -32600, 'Invalid request');
  const run = methods.get(method);
  if (!run) return failure(id, -32601, 'Method not found');
  try {
    return { jsonrpc: '2.0', result: run(new RpcCall(cluster, node, params)), id };
  } catch (error) {
    if (error instanceof RpcError) return failure(id, error.code, error.message, error.data);
    throw error;
  }
}

function failure(id: unknown, code: number, message: string, data?: unknown) {
  return { jsonrpc: '2.0', error: { code, message, ...(data !== undefined && { data }) }, id };
}
