import { canonicalJson } from '@queue-service/contracts';
import { ClaimLostError, type EffectRecord, type EffectSettlement, type EffectStore } from '../effects/effect-store.ts';
import { effectId } from '../ids.ts';

type Kept = Omit<EffectRecord, 'ageMs' | 'silentMs'>;

export interface MemoryEffects {
  /** By name. */
  readonly effects: ReadonlyMap<string, Kept>;
  /** The store as one claim sees it. Default: always the newest claim. */
  claim(fencing?: number): EffectStore;
  /** As a redrive does it: what ended without an effect may be asked for again. */
  renew(): void;
  /** A row that is lost, by a restore from a backup. */
  forget(name: string): void;
  /** A copy of all of it, and back to one: the database set back. */
  snapshot(): Map<string, Kept>;
  restore(snapshot: ReadonlyMap<string, Kept>): void;
}

/**
 * The effects of one job in memory, under the same rules as the ledger's statements (`packages/persistence/src/sql/effects.ts`;
 * `effects.test.ts` there compares the two). For tests of handlers and for the simulation, which has no database.
 */
export function createMemoryEffects(options: {
  jobId: string;
  /** Epoch milliseconds of the store's clock. */
  now: () => number;
  /** The newest claim's fencing number. */
  fencing?: () => number;
  /** Called before a write takes effect; throws where the process dies. */
  before?: (step: 'begin' | 'sendAgain' | 'remember' | 'settle', name: string) => void;
  /** Called after a write took effect, before anybody is told. */
  after?: (step: 'begin' | 'sendAgain' | 'remember' | 'settle', name: string) => void;
}): MemoryEffects {
  const { jobId, now, fencing: newest = () => 1, before = () => {}, after = () => {} } = options;
  let effects = new Map<string, Kept>();
  const found = (id: string) => [...effects.entries()].find(([, effect]) => effect.id === id);
  const asRead = (effect: Kept): EffectRecord => ({
    ...structuredClone({ ...effect, request: sortedLikeJsonb(effect.request) }),
    ageMs: Math.max(0, now() - effect.firstAttemptAt.getTime()),
    silentMs: Math.max(0, now() - effect.lastAttemptAt.getTime()),
  });

  const claim = (fencing?: number): EffectStore => {
    const holds = () => fencing === undefined || fencing === newest();
    const requireHeld = () => {
      if (!holds()) throw new ClaimLostError(jobId);
    };
    return {
      find: async (name) => {
        const known = effects.get(name);
        return known === undefined ? null : asRead(known);
      },
      begin: async (intent) => {
        before('begin', intent.name);
        requireHeld();
        const known = effects.get(intent.name);
        if (known !== undefined) return { ...asRead(known), fresh: false };
        const at = new Date(now());
        const made: Kept = {
          id: effectId(jobId, intent.name),
          status: 'sent',
          doubted: false,
          generation: 0,
          request: structuredClone(intent.request),
          memo: null,
          response: null,
          providerId: null,
          code: null,
          message: null,
          sends: 1,
          refusedIds: [],
          firstAttemptAt: at,
          lastAttemptAt: at,
        };
        effects.set(intent.name, made);
        after('begin', intent.name);
        return { ...asRead(made), fresh: true };
      },
      sendAgain: async ({ id, sends }, { doubted, newKey, intent }) => {
        const [name, effect] = found(id) ?? [];
        before('sendAgain', name ?? '');
        requireHeld();
        if (effect === undefined || effect.sends !== sends) throw new ClaimLostError(jobId);
        const at = new Date(now());
        Object.assign(effect, { status: 'sent', doubted, sends: sends + 1, lastAttemptAt: at });
        if (newKey) effect.generation += 1;
        // What was made by another request is none of this one's.
        const changed = intent !== null && canonicalJson(intent.request) !== canonicalJson(effect.request);
        if (newKey || changed) Object.assign(effect, { memo: null, providerId: null });
        if (newKey || intent !== null) effect.firstAttemptAt = at;
        if (intent !== null) effect.request = structuredClone(intent.request);
        after('sendAgain', name ?? '');
        return asRead(effect);
      },
      remember: async ({ id, sends }, memo, providerId) => {
        const [name, effect] = found(id) ?? [];
        before('remember', name ?? '');
        requireHeld();
        if (effect === undefined || effect.sends !== sends) throw new ClaimLostError(jobId);
        effect.memo = structuredClone(memo);
        effect.providerId = providerId ?? effect.providerId;
        after('remember', name ?? '');
      },
      settle: async ({ id, generation, sends }, outcome: EffectSettlement) => {
        const [name, effect] = found(id) ?? [];
        before('settle', name ?? '');
        if (effect === undefined || effect.generation !== generation || effect.status === 'confirmed') return false;
        if (outcome.status !== 'confirmed' && (effect.sends !== sends || !holds())) return false;
        const { code, message, ...rest } = outcome;
        Object.assign(effect, structuredClone(rest), {
          providerId: rest.providerId ?? effect.providerId,
          response: rest.response ?? effect.response,
          lastAttemptAt: new Date(now()),
        });
        if (outcome.status === 'confirmed') Object.assign(effect, { code: null, message: null });
        else if (code !== null) Object.assign(effect, { code, message });
        after('settle', name ?? '');
        return true;
      },
      requireClaim: async () => requireHeld(),
      get ranBefore() {
        return (fencing ?? newest()) > 1;
      },
    };
  };

  return {
    get effects() {
      return effects;
    },
    claim,
    renew: () => {
      for (const effect of effects.values()) {
        if (effect.status !== 'rejected' && effect.status !== 'void') continue;
        Object.assign(effect, {
          ...{ status: 'planned', doubted: false, generation: effect.generation + 1 },
          ...{ providerId: null, memo: null, response: null, code: null, message: null },
          refusedIds: effect.providerId === null ? effect.refusedIds : [...effect.refusedIds, effect.providerId],
        });
      }
    },
    forget: (name) => void effects.delete(name),
    snapshot: () => structuredClone(effects),
    restore: (snapshot) => {
      effects = structuredClone(new Map(snapshot));
    },
  };
}

/** What PostgreSQL makes of a row: jsonb gives objects back with their keys in its own order. */
function sortedLikeJsonb(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, sortedLikeJsonb(part)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1)));
}
