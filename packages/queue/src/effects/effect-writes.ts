import {
  beginEffects,
  type Database,
  type EffectRow,
  type FirstSend,
  isDatabaseUnavailable,
  type SettledEffect,
  settleEffects,
} from '@queue-service/persistence';
import { coalesce } from '../coalesce.ts';

/** Writes of effects, those of many jobs in one statement and one commit. Each resolves when its own is committed. */
export interface EffectWrites {
  /** Null when the claim is lost, or somebody else wrote it meanwhile. */
  begin(effect: FirstSend): Promise<(EffectRow & { fresh: boolean }) | null>;
  /** False when it was not taken, see `settleEffects`. */
  settle(effect: SettledEffect): Promise<boolean>;
}

const limits = { maxBatch: 100, maxInFlight: 2 };

export function createEffectWrites(db: Database): EffectWrites {
  const begin = coalesce(
    eachItsOwnFault(async (effects: FirstSend[]) => {
      const rows = await beginEffects(db, effects);
      return effects.map(({ id }) => rows.get(id) ?? null);
    }),
    limits,
  );
  const settle = coalesce(
    eachItsOwnFault(async (effects: SettledEffect[]) => {
      const taken = await settleEffects(db, effects);
      return effects.map(({ id }) => taken.has(id));
    }),
    limits,
  );
  return {
    begin: async (effect) => (await begin(effect))(),
    settle: async (effect) => (await settle(effect))(),
  };
}

/** A request that PostgreSQL refuses must fail its own job only: the others of a refused statement are written alone. */
function eachItsOwnFault<Item, Result>(
  write: (items: Item[]) => Promise<Result[]>,
): (items: Item[]) => Promise<(() => Result)[]> {
  const writeAll = async (items: Item[]): Promise<(() => Result)[]> => {
    try {
      return (await write(items)).map((result) => () => result);
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      if (items.length > 1) return (await Promise.all(items.map((item) => writeAll([item])))).flat();
      return [
        () => {
          throw error;
        },
      ];
    }
  };
  return writeAll;
}
