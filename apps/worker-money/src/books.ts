import { isUuid } from '@queue-service/contracts';
import { type BookedEffect, type Database, findBookedEffect, listBookedEffects } from '@queue-service/persistence';
import { type BookProvider, bookKindOf, type LedgerRow, ledgerState, type ProviderRow } from '@queue-service/providers';
import type { Keypair } from '@solana/web3.js';
import { Stripe } from 'stripe';
import { findSolanaRow, listSolanaBooks } from './solana/books.ts';
import type { RpcNodes } from './solana/rpc-nodes.ts';
import { findStripeRow, listStripeBooks } from './stripe/books.ts';
import { mapStripeError } from './stripe/errors.ts';

/** Both sides of the books; the rows of a period, and one row of the other side, whenever it was made. */
export interface Books {
  ledger(from: Date, to: Date): Promise<LedgerRow[]>;
  provider(from: Date, to: Date): AsyncGenerator<ProviderRow>;
  findInLedger(row: ProviderRow): Promise<LedgerRow | null>;
  findAtProvider(row: LedgerRow, signal: AbortSignal): Promise<ProviderRow | null>;
}

export interface BooksParts {
  db: Database;
  stripe: Stripe;
  nodes: RpcNodes;
  authority: Keypair;
}

export function openBooks({ db, stripe, nodes, authority }: BooksParts): Books {
  return {
    ledger: async (from, to) => (await listBookedEffects(db, from, to)).map(ledgerRow),
    provider: async function* (from, to) {
      try {
        yield* listStripeBooks({ stripe, from, to });
      } catch (error) {
        throw error instanceof Stripe.errors.StripeError ? mapStripeError(error) : error;
      }
      yield* listSolanaBooks({ nodes, authority: authority.publicKey, from, to });
    },
    findInLedger: async (row) => {
      // Metadata can be edited by hand: what is no job id is none.
      const jobId = isUuid(row.jobId) ? row.jobId : null;
      const found = await findBookedEffect(db, { ...row, jobId });
      return found === null ? null : ledgerRow(found);
    },
    findAtProvider: (row, signal) =>
      row.provider === 'stripe' ? findStripeRow(stripe, row, signal) : findSolanaRow(nodes, authority, row),
  };
}

function ledgerRow(effect: BookedEffect): LedgerRow {
  const kind = bookKindOf(effect.operation);
  if (kind === null) throw new Error(`${effect.operation} is not kept in the books`);
  return {
    effectId: effect.effectId,
    provider: effect.provider as BookProvider,
    kind,
    jobId: effect.jobId,
    effect: effect.name,
    providerId: effect.providerId,
    account: effect.account,
    amount: effect.amount,
    currency: effect.currency,
    state: ledgerState(effect.status, effect.jobStatus),
    created: effect.createdAt,
  };
}
