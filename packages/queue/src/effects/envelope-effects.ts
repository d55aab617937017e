import type { ActedEffect, EffectStatus, Sealer } from '@queue-service/persistence';
import type { Envelope, StoredEffect } from '../envelope.ts';
import { newId } from '../ids.ts';
import type { EffectRecord, EffectStore } from './effect-store.ts';

/** What a job has done, or may have done, according to its envelope. */
export function actedInEnvelope({ effects }: Envelope): ActedEffect[] {
  return Object.entries(effects)
    .filter(([, effect]) => ['sent', 'unknown', 'confirmed'].includes(statusOf(effect)))
    .map(([name, effect]) => ({ name, status: statusOf(effect), providerId: effect.providerId }));
}

/**
 * Effects of a communication or background job, in its envelope in Redis.
 * @param save writes the envelope; called before a send only, so that the window in which a mail can be repeated is
 *   one write: the one that ends the job
 */
export function envelopeEffects(
  envelope: Envelope,
  sealer: Sealer,
  save: () => Promise<void>,
  now: () => Date,
): EffectStore {
  const record = (stored: StoredEffect): EffectRecord => ({
    ...stored,
    status: statusOf(stored),
    doubted: stored.doubted ?? stored.sends > 1,
    refusedIds: [],
    request: sealer.openValue(stored.request),
    firstAttemptAt: new Date(stored.firstAttemptAt),
    lastAttemptAt: new Date(stored.lastAttemptAt),
    ageMs: Math.max(0, now().getTime() - stored.firstAttemptAt),
    silentMs: Math.max(0, now().getTime() - stored.lastAttemptAt),
  });
  const named = (id: string) => Object.values(envelope.effects).find((effect) => effect.id === id);
  return {
    find: async (name) => {
      const known = envelope.effects[name];
      return known === undefined ? null : record(known);
    },
    begin: async (intent) => {
      const known = envelope.effects[intent.name];
      if (known !== undefined) return { ...record(known), fresh: false };
      const at = now().getTime();
      const made: StoredEffect = {
        id: newId(),
        status: 'sent',
        doubted: false,
        generation: 0,
        request: sealer.sealValue(intent.request),
        memo: null,
        response: null,
        providerId: null,
        code: null,
        message: null,
        sends: 1,
        firstAttemptAt: at,
        lastAttemptAt: at,
      };
      envelope.effects[intent.name] = made;
      if (!intent.repeatable) await save();
      return { ...record(made), fresh: true };
    },
    sendAgain: async (effect, { doubted, newKey }) => {
      const stored = named(effect.id);
      if (stored === undefined) throw new Error(`effect ${effect.id} is not in its envelope`);
      Object.assign(stored, {
        status: 'sent',
        doubted,
        sends: stored.sends + 1,
        generation: stored.generation + (newKey ? 1 : 0),
        lastAttemptAt: now().getTime(),
      });
      await save();
      return record(stored);
    },
    remember: async (effect, memo) => {
      const stored = named(effect.id);
      if (stored !== undefined) stored.memo = memo;
      await save();
    },
    // Saved with the end of the attempt.
    settle: async (effect, { code, message, ...outcome }) => {
      const stored = named(effect.id);
      if (stored === undefined || stored.status === 'confirmed') return false;
      Object.assign(stored, outcome, code === null ? {} : { code, message });
      return true;
    },
    // BullMQ's lock is looked at when the job is moved; such an effect may be sent twice anyway.
    requireClaim: async () => {},
    ranBefore: false,
  };
}

/** As kept by versions before these states, too. */
function statusOf({ status, code, sends }: StoredEffect): EffectStatus {
  if (status !== 'intended') return status;
  if (code === null) return 'sent';
  return sends > 1 ? 'unknown' : 'planned';
}
