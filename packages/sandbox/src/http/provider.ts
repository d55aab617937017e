import type { Router } from 'express';
import type { EffectLog } from './effects.ts';
import type { Faults } from './faults.ts';

/** A line of the inbox page. Every text is shown escaped. */
export interface InboxEntry {
  /** Section heading: `Mails`, `Payments`. */
  section: string;
  /** Epoch milliseconds. */
  at: number;
  title: string;
  fields: Record<string, string>;
  text?: string;
  /** Shown in a frame without scripts and without network. */
  html?: string;
}

export type Control = (args: Record<string, unknown>) => unknown;

/** One simulated provider, as the server that hosts it sees it. */
export interface Provider {
  readonly name: string;
  readonly faults: Faults;
  readonly effects: EffectLog;
  /** Adds the provider's own routes, at the paths of the real one. */
  mount(router: Router): void;
  /** What `POST /_sandbox/<name>/<control>` can do. */
  readonly controls: Record<string, Control>;
  inbox(): InboxEntry[];
  /** The state as JSON. */
  snapshot(): unknown;
  restore(snapshot: unknown): void;
  /** Back to empty: objects, faults and effects. */
  reset(): void;
  /** Told where it listens, before the first request. */
  listening?(url: string, secureUrl?: string): void;
  /** Ends timers and deliveries that are under way. */
  close?(): Promise<void>;
}

/** What every simulator is built with. */
export interface ProviderOptions {
  /** Makes ids repeatable; default random. */
  seed?: string;
}
