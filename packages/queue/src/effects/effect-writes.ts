import {
  type Database,
  type EffectRow,
  type IntendedEffect,
  intendEffects,
  isDatabaseUnavailable,
  type SettledEffect,
  settleEffects,
} from '@queue-service/persistence';
import { coalesce } from '../coalesce.ts';

/** Writes of effects, those of many jobs in one statement and one commit. Each resolves when its own is committed. */
export interface EffectWrites {
  /** Null when the claim is lost, or somebody else wrote it meanwhile. */
  intend(effect: IntendedEffect): Promise<(EffectRow & { fresh: boolean }) | null>;
  settle(effect: SettledEffect): Promise<void>;
}

const limits = { maxBatch: 100, maxInFlight: 2 };

export function createEffectWrites(db: Database): EffectWrites {
  const intend = coalesce(
    eachItsOwnFault(async (effects: IntendedEffect[]) => {
      const rows = await intendEffects(db, effects);
      return effects.map(({ id }) => rows.get(id) ?? null);
    }),
    limits,
  );
  const settle = coalesce(
    eachItsOwnFault(async (effects: SettledEffect[]) => {
      await settleEffects(db, effects);
      return effects.map(() => null);
    }),
    limits,
  );
  return {
    intend: async (effect) => (await intend(effect))(),
    settle: async (effect) => {
      (await settle(effect))();
    },
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
