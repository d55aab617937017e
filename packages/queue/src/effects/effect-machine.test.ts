import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EffectEvent, type EffectState, isOpen, transition } from './effect-machine.ts';

const statuses = ['planned', 'sent', 'unknown', 'confirmed', 'rejected', 'void'] as const;
const events = [
  ...([
    'send',
    'send_anew',
    'done',
    'refused',
    'not_sent',
    'unanswered',
    'found_refused',
    'absent_for_good',
    'renew',
  ] as const),
];
const state = fc.record({ status: fc.constantFrom(...statuses), doubted: fc.boolean() });
/** What a provider or a redrive has to prove before doubt may end. */
const proofs: readonly EffectEvent[] = ['done', 'found_refused', 'absent_for_good', 'send_anew'];

describe('the states of an effect', () => {
  it('never lead from doubt to planned, rejected or void without proof', () => {
    fc.assert(
      fc.property(state, fc.constantFrom(...events), (before, event) => {
        const doubtful = before.status === 'unknown' || (before.status === 'sent' && before.doubted);
        const after = transition(before, event);
        if (doubtful && after !== null && !proofs.includes(event)) expect(isOpen(after.status)).toBe(true);
      }),
    );
  });

  it('never leave confirmed, whatever comes', () => {
    for (const event of events) {
      const after = transition({ status: 'confirmed', doubted: false }, event);
      expect(after === null || after.status === 'confirmed').toBe(true);
    }
  });

  it('doubt from the second send on, until something is proven', () => {
    const harmless = fc.constantFrom<EffectEvent>('send', 'not_sent', 'refused', 'unanswered');
    fc.assert(
      fc.property(fc.array(harmless, { maxLength: 20 }), (later) => {
        let now: EffectState = { status: 'unknown', doubted: false };
        for (const event of later) now = transition(now, event) ?? now;
        expect(isOpen(now.status)).toBe(true);
      }),
    );
  });

  it('are as the table in the doc comment of `transition` says', () => {
    const rows: [EffectState['status'], boolean, ...(EffectState['status'] | null)[]][] = [
      ['planned', false, 'sent', 'sent', 'confirmed', null, null, null, null, 'void', null],
      ['sent', false, 'sent', 'sent', 'confirmed', 'rejected', 'planned', 'unknown', 'rejected', 'void', null],
      ['sent', true, 'sent', 'sent', 'confirmed', 'unknown', 'unknown', 'unknown', 'rejected', 'void', null],
      ['unknown', false, 'sent', 'sent', 'confirmed', null, null, null, 'rejected', 'void', null],
      ['confirmed', false, null, null, 'confirmed', null, null, null, null, null, null],
      ['rejected', false, null, null, 'confirmed', null, null, null, null, null, 'planned'],
      ['void', false, null, null, 'confirmed', null, null, null, null, null, 'planned'],
    ];
    for (const [status, doubted, ...expected] of rows) {
      const made = events.map((event) => transition({ status, doubted }, event)?.status ?? null);
      expect([status, doubted, ...made]).toEqual([status, doubted, ...expected]);
    }
  });
});
