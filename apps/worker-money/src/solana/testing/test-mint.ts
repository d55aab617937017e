import { type SolanaSandbox, standingClock, startSolana } from '@queue-service/sandbox';
import { Keypair, LAMPORTS_PER_SOL } from '@solana/web3.js';
import { onTestFinished } from 'vitest';
import { Minter, type MinterOptions } from '../minter.ts';
import { RpcNodes } from '../rpc-nodes.ts';
import type { SignedTransaction } from '../signed-transaction.ts';
import { type MintReceipt, type TicketOrder, ticketOrder } from '../ticket.ts';

export interface TestMintOptions {
  /** Lamports of the authority; default 10 SOL. */
  lamports?: number;
  /** Nodes besides the first. */
  others?: number;
  timeoutMs?: number;
  minter?: Partial<MinterOptions>;
}

/** A cluster and a minter for one test. Time stands still but for the minter's own waiting: each look is a slot later. */
export async function testMint({
  lamports = 10 * LAMPORTS_PER_SOL,
  others = 0,
  timeoutMs = 5_000,
  minter: options,
}: TestMintOptions = {}) {
  const authority = Keypair.generate();
  const clock = standingClock();
  const solana = await startSolana({ clock, fund: { [authority.publicKey.toBase58()]: lamports } });
  onTestFinished(() => solana.stop());
  for (let index = 0; index < others; index++) solana.node();
  const urls = solana.nodes.map((node) => node.url);
  const wait = async () => solana.advance(1);
  const now = () => clock.now();
  const createMinter = (more: Partial<MinterOptions> = {}) =>
    new Minter({
      nodes: new RpcNodes({ urls, now, timeoutMs, coolDownMs: 0 }),
      authority,
      wait,
      now,
      ...options,
      ...more,
    });
  return { solana, authority, minter: createMinter(), createMinter };
}

let jobs = 0;

export interface TicketWishes {
  jobId?: string;
  eventId?: string;
  ownerWallet?: string;
  uri?: string;
  name?: string;
  attributes?: Record<string, string>;
  transferable?: boolean;
  collections?: boolean;
}

export function order(authority: Keypair, wishes: TicketWishes = {}): TicketOrder {
  const { jobId = `job-${++jobs}`, eventId = 'event-77', collections = false, transferable = true } = wishes;
  const { uri = 'https://tickets.example/t/1042.json', name = 'Open Air 2027, row 4 seat 12' } = wishes;
  const { attributes = { row: '4', seat: '12' }, ownerWallet = Keypair.generate().publicKey.toBase58() } = wishes;
  const metadata = { name, symbol: 'OPEN27', uri, attributes };
  return ticketOrder(
    { ticketId: 'ticket-1042', eventId, ownerWallet, metadata, transferable },
    { jobId, tenantId: 'tenant-1', authority, collections },
  );
}

/** What the effect ledger does for a mint: keeps what is remembered over attempts. */
export function testLedger() {
  const remembered: SignedTransaction[] = [];
  return {
    remembered,
    get memo() {
      return remembered.at(-1) ?? null;
    },
    remember: async (transaction: SignedTransaction) => {
      remembered.push(transaction);
    },
  };
}

/** One attempt, as the worker host would make it. */
export function attempt(
  minter: Minter,
  ticket: TicketOrder,
  ledger = testLedger(),
  signal = new AbortController().signal,
): Promise<MintReceipt> {
  return minter.mint(ticket, { memo: ledger.memo, remember: ledger.remember, signal });
}

export function mintsOf(solana: SolanaSandbox, { mintAddress }: TicketOrder): number {
  return solana.effects.list({ kind: 'mint' }).filter(({ id }) => id === mintAddress).length;
}
