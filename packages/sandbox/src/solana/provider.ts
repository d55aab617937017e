import { PublicKey } from '@solana/web3.js';
import type { RequestHandler, Router } from 'express';
import type { EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import type { Control, InboxEntry } from '../http/provider.ts';
import { type Served, serve, type Work } from '../http/serve.ts';
import type { Cluster } from './cluster.ts';
import type { Bank, SolanaNode } from './node.ts';
import type { NodeSet } from './node-set.ts';
import { respond } from './rpc/respond.ts';
import { readTicket } from './ticket.ts';
import { noTicketPage, ticketPage } from './ticket-page.ts';
import { TRANSACTION_FAULTS, type TransactionFaultRule } from './transaction-faults.ts';

/** The cluster as the sandbox host sees it: JSON-RPC on `/` and `/nodes/<n>`, the explorer, and the controls. */
export class SolanaProvider implements Hosted, Served {
  readonly name = 'solana';
  readonly faults = new Faults();
  readonly controls: Record<string, Control>;
  readonly #cluster: Cluster;
  readonly #nodes: NodeSet;
  /** Called after every request and control, so that subscribers hear what it changed. */
  changed: () => void = () => {};

  constructor(cluster: Cluster, nodes: NodeSet) {
    this.#cluster = cluster;
    this.#nodes = nodes;
    this.controls = controls(cluster, nodes);
  }

  get effects(): EffectLog {
    return this.#cluster.effects;
  }

  mount(router: Router): void {
    router.get('/ticket/:mint', (req, res) => {
      const address = String(req.params.mint);
      const ticket = readTicket(this.#now(), address);
      res.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
      res
        .status(ticket ? 200 : 404)
        .type('html')
        .send(ticket ? ticketPage(ticket) : noTicketPage(address));
    });
    router.get('/health', (_req, res) => {
      res.type('text').send('ok');
    });
    const answer: Work = (request) => {
      const node = this.#nodes.at(request.path) as SolanaNode;
      return { status: 200, body: respond(this.#cluster, node, request.body.toString('utf8')) };
    };
    for (const path of ['/', '/nodes/:index']) router.post(path, this.#whenUp, serve(this, answer));
  }

  errorReply(status: number) {
    const message = status === 429 ? 'Too many requests for a specific RPC call' : 'Internal error';
    const body = { jsonrpc: '2.0', error: { code: status === 429 ? 429 : -32603, message }, id: null };
    return { status, body, ...(status === 429 && { headers: { 'Retry-After': '1' } }) };
  }

  inbox(): InboxEntry[] {
    const bank = this.#now();
    return this.effects.list({ kind: 'mint' }).map(({ id, at, detail }) => {
      const ticket = readTicket(bank, id);
      const fields = { Mint: id, Owner: String(detail['owner']), Page: `/ticket/${id}` };
      return { section: 'Tickets', at, title: ticket?.name || id, fields };
    });
  }

  /** The ledger keeps itself in its own journal. */
  snapshot(): unknown {
    return null;
  }

  restore(): void {}

  reset(): void {
    this.faults.clear();
    for (const node of this.#nodes.list) {
      node.lag = 0;
      node.down = false;
    }
    this.#cluster.reset();
  }

  /** A node that is down cuts the connection before it has read anything. */
  #whenUp: RequestHandler = (req, res, next) => {
    const node = this.#nodes.at(req.path);
    if (!node) res.status(404).end();
    else if (node.down) req.socket.resetAndDestroy();
    else next();
  };

  #now(): Bank {
    return (this.#nodes.list[0] as SolanaNode).bank('processed');
  }
}

/**
 * - `advance` `{slots}`: lets slots go by
 * - `airdrop` `{to, lamports}` → `{signature}`
 * - `node` `{index?, lag?, down?}` → `{index, url}`: changes a node, or adds one when no index is given
 * - `transaction-faults` `{match?: {account, signature}, times?, after?, do: {kind}}` → `{id}`
 * - `clear-transaction-faults`
 */
function controls(cluster: Cluster, nodes: NodeSet): Record<string, Control> {
  return {
    advance: ({ slots = 1 }) => {
      cluster.slots.advance(Number(slots));
      return { slot: cluster.slots.slot() };
    },
    airdrop: ({ to, lamports }) => ({ signature: cluster.airdrop(new PublicKey(String(to)), Number(lamports)) }),
    node: ({ index, lag, down }) => {
      const node = index === undefined ? nodes.add({}) : nodes.list[Number(index)];
      if (!node) throw new Error(`no node ${index}; there are ${nodes.list.length}`);
      if (lag !== undefined) node.lag = Number(lag);
      if (down !== undefined) node.down = down === true;
      return { index: node.index, url: node.url };
    },
    'transaction-faults': (body) => {
      const rule = body as unknown as TransactionFaultRule;
      if (!TRANSACTION_FAULTS.includes(rule.do?.kind))
        throw new Error(`do.kind must be one of ${TRANSACTION_FAULTS.join(', ')}`);
      return { id: cluster.faults.add(rule) };
    },
    'clear-transaction-faults': () => cluster.faults.clear(),
  };
}
