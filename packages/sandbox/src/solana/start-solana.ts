import type { PublicKey } from '@solana/web3.js';
import { SandboxClock } from '../http/clock.ts';
import type { EffectLog } from '../http/effects.ts';
import type { Faults } from '../http/faults.ts';
import { host } from '../http/host.ts';
import { type BlockLimits, MAINNET_LIMITS } from './block-space.ts';
import { Cluster } from './cluster.ts';
import type { NodeOptions, SolanaNode } from './node.ts';
import { NodeSet } from './node-set.ts';
import { SolanaProvider } from './provider.ts';
import { Subscriptions } from './subscriptions.ts';
import { readTicket, type Ticket } from './ticket.ts';
import type { TransactionFaults } from './transaction-faults.ts';

export interface SolanaOptions {
  /** JSON-RPC here, WebSocket on the port above, as a validator has it. 0, the default, takes two free ports. */
  port?: number;
  /** A file that keeps the ledger over restarts; none by default. */
  statePath?: string;
  /** Where time comes from. Shared with other simulators, they move together; default the wall clock. */
  clock?: SandboxClock;
  /** Milliseconds a slot lasts; default 400, as on mainnet. */
  slotMs?: number;
  /** Addresses (base58) and the lamports they hold at least from the start on. */
  fund?: Readonly<Record<string, number>>;
  /** Compute units a block holds; default mainnet's. */
  limits?: BlockLimits;
}

/** A running local cluster. */
export interface SolanaSandbox {
  /** The first node, for `new Connection(url)`. */
  readonly url: string;
  readonly wsUrl: string;
  readonly port: number;
  readonly clock: SandboxClock;
  /** What nodes do to requests. */
  readonly faults: Faults;
  /** What the cluster does to transactions. */
  readonly transactionFaults: TransactionFaults;
  /** Every mint that happened: kind `mint`, id the mint address. */
  readonly effects: EffectLog;
  /** The first node and those that `node` added. Their `lag` and `down` may be changed at any time. */
  readonly nodes: readonly SolanaNode[];
  /** One more URL to the same ledger. */
  node(options?: NodeOptions): SolanaNode;
  /** Lets slots go by at once. */
  advance(slots: number): void;
  /** @returns the signature. */
  airdrop(to: PublicKey, lamports: number): string;
  /** What the chain says of a mint now; undefined when there is none. */
  ticket(mintAddress: string): Ticket | undefined;
  reset(): void;
  stop(): Promise<void>;
}

const DEFAULT_SLOT_MS = 400;
const PORT_TRIES = 20;

/** A clock that stands still but for `advance`, for tests that decide themselves when a slot goes by. */
export function standingClock(atMs: number = Date.UTC(2026, 0, 1)): SandboxClock {
  return new SandboxClock(() => atMs);
}

/**
 * Starts a local Solana cluster on 127.0.0.1: the real virtual machine with the SPL programs behind JSON-RPC and
 * WebSocket. It has one honest leader and no votes: how final a block is follows from its age.
 * @throws when a port is taken or the state file cannot be read.
 */
export async function startSolana(options: SolanaOptions = {}): Promise<SolanaSandbox> {
  const clock = options.clock ?? new SandboxClock();
  const cluster = new Cluster({
    clock,
    slotMs: options.slotMs ?? DEFAULT_SLOT_MS,
    limits: options.limits ?? MAINNET_LIMITS,
    statePath: options.statePath,
    fund: options.fund ?? {},
  });
  const nodes = new NodeSet(cluster);
  const provider = new SolanaProvider(cluster, nodes);
  const { server, subscriptions } = await listenOnTwoPorts(provider, nodes, clock, options.port ?? 0);
  nodes.port = server.port;
  const first = nodes.add({});

  const changed = () => {
    cluster.ledger.catchUp();
    subscriptions.notify();
  };
  provider.changed = changed;
  const stopListening = clock.onAdvance(changed);

  return {
    url: first.url,
    wsUrl: first.wsUrl,
    port: server.port,
    clock,
    faults: provider.faults,
    transactionFaults: cluster.faults,
    effects: cluster.effects,
    nodes: nodes.list,
    node: (nodeOptions = {}) => nodes.add(nodeOptions),
    advance: (slots) => cluster.slots.advance(slots),
    airdrop: (to, lamports) => cluster.airdrop(to, lamports),
    ticket: (mintAddress) => readTicket(first.bank('processed'), mintAddress),
    reset: () => provider.reset(),
    stop: async () => {
      stopListening();
      await subscriptions.close();
      await server.stop();
      cluster.close();
    },
  };
}

/** web3.js looks for the WebSocket one port above the HTTP one unless told otherwise, so the two must be neighbours. */
async function listenOnTwoPorts(provider: SolanaProvider, nodes: NodeSet, clock: SandboxClock, port: number) {
  for (let attempt = 1; ; attempt++) {
    const server = await host([provider], { port, clock });
    try {
      const subscriptions = await Subscriptions.listen(nodes, server.port + 1);
      return { server, subscriptions };
    } catch (error) {
      await server.stop();
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!taken || port !== 0 || attempt === PORT_TRIES) throw error;
    }
  }
}
