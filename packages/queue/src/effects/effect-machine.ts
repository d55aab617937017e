import type { EffectStatus } from '@queue-service/persistence';

/** What decides about an effect: its status, and whether a send before the last one may have happened. */
export interface EffectState {
  status: EffectStatus;
  doubted: boolean;
}

export type EffectEvent =
  /** A request is about to leave. */
  | 'send'
  /** A request is about to leave, after proof that none that left before had or can still have an effect. */
  | 'send_anew'
  /** It happened: by an answer, however late, or by what the provider shows. */
  | 'done'
  /** The answer to the last send was a refusal. */
  | 'refused'
  /** The last send provably did nothing: no connection, a rate limit, a wait that was given up. */
  | 'not_sent'
  /** The last send may have happened. */
  | 'unanswered'
  /** The provider shows that it refused what was sent, finally. */
  | 'found_refused'
  /** Proven: it did not happen, and nothing that left can still make it happen. */
  | 'absent_for_good'
  /** A job that ended without the effect starts again: a new generation, under a new key. */
  | 'renew';

/**
 * The life of an effect in the outside world, as a closed state machine. Null where an event may not come.
 *
 * | from                 | send    | send_anew | done      | refused  | not_sent | unanswered | found_refused | absent_for_good | renew   |
 * | -------------------- | ------- | --------- | --------- | -------- | -------- | ---------- | ------------- | --------------- | ------- |
 * | planned              | sent    | sent      | confirmed | –        | –        | –          | –             | void            | –       |
 * | sent, not doubted    | sent ?  | sent      | confirmed | rejected | planned  | unknown    | rejected      | void            | –       |
 * | sent, doubted        | sent ?  | sent      | confirmed | unknown  | unknown  | unknown    | rejected      | void            | –       |
 * | unknown              | sent ?  | sent      | confirmed | –        | –        | –          | rejected      | void            | –       |
 * | confirmed            | –       | –         | confirmed | –        | –        | –          | –             | –               | –       |
 * | rejected, void       | –       | –         | confirmed | –        | –        | –          | –             | –               | planned |
 *
 * (`?`: doubted from now on.) Doubt is monotone: once a send may have left, only proof ends it (`done`, `found_refused`,
 * `absent_for_good`), and never the answer to a later send. A repeat that is harmless under its own key proves
 * nothing and is therefore no event at all.
 */
export function transition({ status, doubted }: EffectState, event: EffectEvent): EffectState | null {
  if (event === 'done') return { status: 'confirmed', doubted: false };
  switch (status) {
    case 'planned':
      if (event === 'send' || event === 'send_anew') return { status: 'sent', doubted: false };
      return event === 'absent_for_good' ? { status: 'void', doubted: false } : null;
    case 'sent':
      switch (event) {
        case 'refused':
          return doubted ? { status: 'unknown', doubted } : { status: 'rejected', doubted };
        case 'not_sent':
          return doubted ? { status: 'unknown', doubted } : { status: 'planned', doubted };
        case 'unanswered':
          return { status: 'unknown', doubted };
        default:
          return afterDoubt(event);
      }
    case 'unknown':
      return afterDoubt(event);
    case 'confirmed':
      return null;
    case 'rejected':
    case 'void':
      return event === 'renew' ? { status: 'planned', doubted: false } : null;
  }
}

function afterDoubt(event: EffectEvent): EffectState | null {
  switch (event) {
    case 'send':
      return { status: 'sent', doubted: true };
    case 'send_anew':
      return { status: 'sent', doubted: false };
    case 'found_refused':
      return { status: 'rejected', doubted: false };
    case 'absent_for_good':
      return { status: 'void', doubted: false };
    default:
      return null;
  }
}

/** @throws Error when the event may not come: nothing is written then, and doubt stays */
export function next(state: EffectState, event: EffectEvent): EffectState {
  const after = transition(state, event);
  if (after === null) throw new Error(`an effect that is ${state.status} cannot be ${event}`);
  return after;
}

/** It may have happened, and that is not known yet: nothing that stands on its absence may be done. */
export function isOpen(status: EffectStatus): boolean {
  return status === 'sent' || status === 'unknown';
}
