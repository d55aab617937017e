import { WebSocket, WebSocketServer } from 'ws';
import type { Bank, SolanaNode } from './node.ts';
import type { NodeSet } from './node-set.ts';
import { RpcCall, RpcError, withContext } from './rpc/call.ts';
import { encodeAccount } from './rpc/encoding.ts';
import { signatureStatus } from './rpc/transactions.ts';

/** How often subscriptions are looked at when nothing else calls for it, at most. */
const MOST_OFTEN_MS = 20;

/** One subscription: what to send now, if anything; `last` ends it. */
interface Watch {
  notification: string;
  poll(): { result: unknown; last?: true } | undefined;
}

/** JSON-RPC over WebSocket: signature, slot, root and account subscriptions of every node. */
export class Subscriptions {
  readonly #nodes: NodeSet;
  readonly #server: WebSocketServer;
  readonly #watches = new Map<number, { socket: WebSocket; node: SolanaNode; watch: Watch }>();
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;

  private constructor(nodes: NodeSet, server: WebSocketServer) {
    this.#nodes = nodes;
    this.#server = server;
    server.on('connection', (socket, request) => this.#connected(socket, request.url ?? '/'));
  }

  /** @throws the listen error (`EADDRINUSE`) when the port is taken. */
  static async listen(nodes: NodeSet, port: number): Promise<Subscriptions> {
    const server = new WebSocketServer({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', () => {
        server.off('error', reject);
        resolve();
      });
    });
    return new Subscriptions(nodes, server);
  }

  /** Sends what has become true since the last look. */
  notify(): void {
    for (const [id, { socket, node, watch }] of this.#watches) {
      if (node.down) continue;
      const news = watch.poll();
      if (!news) continue;
      if (news.last) this.#watches.delete(id);
      send(socket, { jsonrpc: '2.0', method: watch.notification, params: { result: news.result, subscription: id } });
    }
    this.#keepTime();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connected(socket: WebSocket, path: string): void {
    const node = this.#nodes.at(path);
    if (!node || node.down) {
      socket.terminate();
      return;
    }
    socket.on('message', (data) => this.#answer(socket, node, String(data)));
    socket.on('close', () => {
      for (const [id, entry] of this.#watches) if (entry.socket === socket) this.#watches.delete(id);
      this.#keepTime();
    });
  }

  #answer(socket: WebSocket, node: SolanaNode, text: string): void {
    let id: unknown = null;
    try {
      const request = JSON.parse(text) as { id?: unknown; method: string; params?: unknown[] };
      // A notification; web3.js sends `ping` as one, and expects no answer.
      if (request.id === undefined) return;
      id = request.id;
      send(socket, { jsonrpc: '2.0', result: this.#call(socket, node, request.method, request.params ?? []), id });
    } catch (error) {
      const code = error instanceof RpcError ? error.code : -32600;
      send(socket, { jsonrpc: '2.0', error: { code, message: (error as Error).message }, id });
    }
    this.notify();
  }

  #call(socket: WebSocket, node: SolanaNode, method: string, params: unknown[]): unknown {
    if (/^(account|root|signature|slot)Unsubscribe$/.test(method)) return this.#watches.delete(Number(params[0]));
    const watch = createWatch(method, new RpcCall(this.#nodes.cluster, node, params));
    const id = this.#nextId++;
    this.#watches.set(id, { socket, node, watch });
    return id;
  }

  #keepTime(): void {
    if (this.#watches.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else
      this.#timer ??= setInterval(() => this.notify(), Math.max(MOST_OFTEN_MS, this.#nodes.cluster.slots.slotMs / 4));
  }
}

function createWatch(method: string, call: RpcCall): Watch {
  switch (method) {
    case 'signatureSubscribe':
      return signatureWatch(call);
    case 'accountSubscribe':
      return accountWatch(call);
    case 'slotSubscribe':
      return slotWatch(call, 'slotNotification', (bank, root) => ({
        slot: bank.slot,
        parent: bank.slot - 1,
        root: root.slot,
      }));
    case 'rootSubscribe':
      return slotWatch(call, 'rootNotification', (_bank, root) => root.slot);
    default:
      throw new RpcError(-32601, 'Method not found');
  }
}

function signatureWatch(call: RpcCall): Watch {
  const signature = call.string(0);
  call.bank(1);
  return {
    notification: 'signatureNotification',
    poll: () => {
      const bank = call.bank(1);
      const status = signatureStatus(call, signature, true);
      if (!status || status.slot > bank.slot) return undefined;
      return { result: withContext(bank, { err: status.err }), last: true };
    },
  };
}

function accountWatch(call: RpcCall): Watch {
  const key = call.address(0);
  let known = call.bank(1).account(key);
  return {
    notification: 'accountNotification',
    poll: () => {
      const bank = call.bank(1);
      const state = bank.account(key);
      if (state === known) return undefined;
      known = state;
      const gone = {
        lamports: 0n,
        owner: '11111111111111111111111111111111',
        data: new Uint8Array(),
        executable: false,
      };
      return { result: withContext(bank, encodeAccount(state ?? gone, call.config(1), bank)) };
    },
  };
}

function slotWatch(call: RpcCall, notification: string, result: (bank: Bank, root: Bank) => unknown): Watch {
  let known = call.node.tip;
  return {
    notification,
    poll: () => {
      if (call.node.tip === known) return undefined;
      known = call.node.tip;
      return { result: result(call.node.bank('processed'), call.node.bank('finalized')) };
    },
  };
}

function send(socket: WebSocket, message: unknown): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}
