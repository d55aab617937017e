import type { ActedEffect, Sealer } from '@queue-service/persistence';
import type { Envelope, StoredEffect } from '../envelope.ts';
import { newId } from '../ids.ts';
import type { EffectRecord, EffectStore } from './effect-store.ts';

/** What a job has done, or may have done, according to its envelope. */
export function actedInEnvelope({ effects }: Envelope): ActedEffect[] {
  return Object.entries(effects)
    .filter(([, { status, code }]) => status !== 'rejected' && (status !== 'intended' || code === null))
    .map(([name, { status, providerId }]) => ({ name, status, providerId }));
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
    request: sealer.openValue(stored.request),
    firstAttemptAt: new Date(stored.firstAttemptAt),
    lastAttemptAt: new Date(stored.lastAttemptAt),
  });
  const named = (id: string) => Object.values(envelope.effects).find((effect) => effect.id === id);

  return {
    intend: async (intent) => {
      const known = envelope.effects[intent.name];
      if (known !== undefined) return { ...record(known), fresh: false };
      const at = now().getTime();
      const made: StoredEffect = {
        id: newId(),
        status: 'intended',
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
    resend: async (effect, newKey) => {
      const stored = named(effect.id);
      if (stored === undefined) throw new Error(`effect ${effect.id} is not in its envelope`);
      Object.assign(stored, {
        status: 'intended',
        code: null,
        message: null,
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
    settle: async (effect, outcome) => {
      const stored = named(effect.id);
      if (stored !== undefined) Object.assign(stored, outcome);
    },
  };
}
