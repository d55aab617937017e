import { UnknownOutcomeError } from '@queue-service/contracts';
import type { ChainWatch, Look } from './chain-watch.ts';
import type { RpcNodes } from './rpc-nodes.ts';
import type { SignedTransaction } from './signed-transaction.ts';

/** What became of a signed transaction, once and for all. */
export type Settlement =
  | { kind: 'confirmed'; slot: number }
  /** It is in a block, and did nothing but pay its fee. */
  | { kind: 'failed'; slot: number; error: unknown }
  /** It is in no block and can get into none. */
  | { kind: 'expired' };

export interface SettleParts {
  nodes: RpcNodes;
  watch: ChainWatch;
}

/** Looks between two sends of the same bytes: leaders drop what they have no room for. */
const LOOKS_PER_SEND = 3;
/** Looks in a row that no node answers, after which the attempt ends and leaves the rest to the next. */
const MOST_BLIND_LOOKS = 20;

/**
 * Sends the same bytes until the chain has answered.
 * @param sentBefore whether the bytes may be on the chain for long already
 * @throws UnknownOutcomeError when the attempt ends, or no node answers, before that
 */
export async function settle(
  { nodes, watch }: SettleParts,
  transaction: SignedTransaction,
  sentBefore: boolean,
  signal: AbortSignal,
): Promise<Settlement> {
  const bytes = Buffer.from(transaction.wire, 'base64');
  // What a node says to these bytes decides nothing: the chain is asked. So its errors are left out of account.
  const send = () =>
    nodes.all((connection) => connection.sendRawTransaction(bytes, { skipPreflight: true })).catch(() => []);
  let history = sentBefore;
  let blind = 0;
  for (let looks = 0; ; looks++) {
    if (signal.aborted)
      throw new UnknownOutcomeError({
        code: 'aborted',
        message: 'The attempt ended before the transaction was confirmed',
      });
    if (looks % LOOKS_PER_SEND === 0 && !(sentBefore && looks === 0)) await send();
    const look = await watch.look(transaction.signature, history);
    const settlement = judge(look, transaction, nodes.majority);
    if (settlement) return settlement;
    blind = look.views.length === 0 ? blind + 1 : 0;
    if (blind === MOST_BLIND_LOOKS) {
      throw new UnknownOutcomeError({
        code: 'provider_unreachable',
        message: 'No RPC node tells what became of the transaction',
      });
    }
    history = look.views.some((view) => isPast(view.finalizedHeight, transaction));
  }
}

/**
 * One node that has confirmed it suffices: two thirds of the stake stand behind that. That it can never land is
 * concluded only when a majority of all nodes is past its height and has it nowhere in its history, and no node at
 * all knows of it; a node that lags or is down thus postpones a new signature, and never permits one.
 */
export function judge(
  { views, history }: Look,
  transaction: SignedTransaction,
  majority: number,
): Settlement | undefined {
  for (const { status } of views) {
    if (status?.confirmationStatus !== 'confirmed' && status?.confirmationStatus !== 'finalized') continue;
    return status.err === null
      ? { kind: 'confirmed', slot: status.slot }
      : { kind: 'failed', slot: status.slot, error: status.err };
  }
  if (!history || views.some(({ status }) => status !== null)) return undefined;
  const past = views.filter(({ finalizedHeight }) => isPast(finalizedHeight, transaction));
  return past.length >= majority ? { kind: 'expired' } : undefined;
}

/**
 * Whether nothing can come of the transaction any more that has not come of it: a majority of nodes is past its last block
 * height by finalized blocks, and none knows of it in a block that is not final.
 */
export function isFinal({ views }: Look, transaction: SignedTransaction, majority: number): boolean {
  if (views.some(({ status }) => status !== null && status.confirmationStatus !== 'finalized')) return false;
  if (views.some(({ status }) => status?.confirmationStatus === 'finalized')) return true;
  return views.filter(({ finalizedHeight }) => isPast(finalizedHeight, transaction)).length >= majority;
}

function isPast(height: number, { lastValidBlockHeight }: SignedTransaction): boolean {
  return height > lastValidBlockHeight;
}
