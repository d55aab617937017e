import type { Logger, Metrics } from '@queue-service/observability';
import { closeIncident, type Database, openIncident } from '@queue-service/persistence';
import type { Minter } from './minter.ts';

export interface MintBalanceOptions {
  minter: Minter;
  db: Database;
  metrics: Metrics;
  log: Logger;
  /** Below it people are told, while the jobs still have some. */
  lowLamports: number;
  /** Between two looks; default a minute. */
  everyMs?: number;
}

export interface MintBalance {
  /** Looks now. Never rejects; looks that are asked for at once are one. */
  check(): Promise<void>;
  /** Ends the looks. Resolves when none is under way. */
  stop(): Promise<void>;
}

const key = 'mint_balance_low';

/**
 * Watches what the mint authority holds: a gauge, and an incident from when it is low until it is filled up. Each process
 * of the fleet looks for itself; raising the same incident twice is raising it once.
 */
export function watchMintBalance(options: MintBalanceOptions): MintBalance {
  const { minter, db, metrics, log, lowLamports, everyMs = 60_000 } = options;
  let looking: Promise<void> | null = null;

  const look = async () => {
    try {
      const lamports = await minter.authorityLamports();
      metrics.mintAuthorityLamports.set({}, lamports);
      if (lamports >= lowLamports) {
        await closeIncident(db, key);
        return;
      }
      await openIncident(db, {
        key,
        kind: 'mint_balance_low',
        severity: 'critical',
        summary: 'The mint authority is low on lamports; mints wait until it is filled up',
        details: { lamports, lowLamports, authority: minter.authority.publicKey.toBase58() },
      });
    } catch (error) {
      log.warn({ err: error }, 'The balance of the mint authority could not be watched');
    }
  };
  const check = () => {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  };
  const timer = setInterval(check, everyMs);
  timer.unref();
  void check();
  return {
    check,
    stop: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}
