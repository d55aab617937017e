import type { Router } from 'express';
import type { SandboxClock } from '../http/clock.ts';
import { type Effect, EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import { IdSource } from '../http/ids.ts';
import type { InboxEntry, ProviderOptions } from '../http/provider.ts';
import { createAccount, disableAccount, type NewAccount } from './accounts.ts';
import { API_VERSION, type CurrentRequest, mountApi } from './api.ts';
import { endProcessing, finishAction } from './confirm.ts';
import { stripeControls } from './controls.ts';
import { closeDispute, openDispute } from './disputes.ts';
import { DEBIT_FAILED, runDue } from './due.ts';
import { errorByStatus } from './errors.ts';
import { IdempotencyKeys, type SavedAnswer } from './idempotency.ts';
import { paymentsInbox } from './inbox.ts';
import type { Account, Charge, Dispute, Event, PaymentIntent, Payout, Refund, RowName, Rows } from './objects.ts';
import { endPayout, sendPayout } from './payouts.ts';
import { endRefund } from './refunds.ts';
import { type Book, PLATFORM, type StateSnapshot, StripeState, type TimerKind } from './state.ts';
import { type WebhookEndpointOptions, Webhooks } from './webhooks.ts';
import { newId, type StripeSettings, seconds, type World } from './world.ts';

export interface StripeOptions extends ProviderOptions {
  /** The only secret key let in; default any `sk_test_…` or `rk_test_…`. */
  apiKey?: string;
  /** Connected accounts that exist from the beginning. */
  accounts?: string[];
  /** Where events are sent. */
  webhook?: WebhookEndpointOptions;
  settings?: Partial<StripeSettings>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULTS: StripeSettings = {
  openingBalance: 100_000_000_00,
  bankDebitSettlesAfterMs: 4 * DAY_MS,
  searchDelayMs: 0,
};
const SETTLE_EVERY_MS = 250;

/** Stripe's API as far as this service uses it, with state, and the controls of its test mode's dashboard. */
export class StripeSimulator implements Hosted {
  readonly name = 'stripe';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly webhooks = new Webhooks();
  readonly settings: StripeSettings;
  readonly controls = stripeControls(this);
  changed: () => void = () => {};
  readonly #clock: SandboxClock;
  readonly #options: StripeOptions;
  readonly #world: World;
  readonly #keys: IdempotencyKeys;
  #current: CurrentRequest | null = null;
  #ticking: NodeJS.Timeout | undefined;

  constructor(clock: SandboxClock, options: StripeOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.effects = new EffectLog(clock);
    this.#keys = new IdempotencyKeys(clock);
    this.settings = { ...DEFAULTS, ...options.settings };
    this.#world = {
      clock,
      ids: new IdSource(options.seed),
      effects: this.effects,
      state: new StripeState(),
      settings: this.settings,
      schedule: (book, timer) => this.#schedule(book, timer),
      emit: (book, type, object) => this.#emit(book, type, object),
    };
    for (const id of options.accounts ?? []) createAccount(this.#world, { id });
    if (options.webhook) this.webhooks.add(options.webhook);
    clock.onAdvance(() => this.settleDue());
  }

  mount(router: Router): void {
    const parts = {
      world: this.#world,
      keys: this.#keys,
      requestIds: new WeakMap(),
      apiKey: this.#options.apiKey,
      executing: (request: CurrentRequest | null) => {
        this.#current = request;
        if (request) this.settleDue();
      },
    };
    mountApi(router, { faults: this.faults, errorReply: errorByStatus, changed: () => this.changed() }, parts);
  }

  listening(): void {
    this.#ticking = setInterval(() => this.settleDue(), SETTLE_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#ticking);
    await this.webhooks.close();
  }

  /** Lets happen what the clock has made due; done by itself on every request, advance and quarter of a second. */
  settleDue(): void {
    runDue(this.#world);
  }

  /** The rows of one table, oldest first. */
  all<N extends RowName>(name: N, account: string = PLATFORM): Rows[N][] {
    return this.#world.state.book(account).all(name);
  }

  /** Makes a connected account that can receive transfers and pay out. */
  createAccount(options: NewAccount = {}): Account {
    return createAccount(this.#world, options);
  }

  /** `restricted`: payouts and transfers are refused; `revoked`: 403 `account_invalid`. */
  disableAccount(account: string, mode: 'restricted' | 'revoked' = 'restricted'): void {
    disableAccount(this.#world, account, mode);
  }

  /** Sets what an account has available in a currency before any transaction, in minor units. */
  setOpeningBalance(currency: string, amount: number, account: string = PLATFORM): void {
    this.#world.state.book(account).opening.set(currency, amount);
  }

  /** Ends a `processing` payment. */
  settle(paymentIntent: string, outcome: 'succeeded' | 'failed' = 'succeeded'): PaymentIntent {
    const [book, intent] = this.#row('payment_intent', paymentIntent);
    if (intent.status !== 'processing') throw new RangeError(`${paymentIntent} is ${intent.status}, not processing`);
    endProcessing(
      this.#world,
      book,
      intent,
      outcome === 'succeeded' ? { kind: outcome } : { kind: outcome, failure: DEBIT_FAILED },
    );
    return intent;
  }

  /** The customer passes or fails what a `requires_action` payment asks for. */
  completeAction(paymentIntent: string, outcome: 'succeeded' | 'failed' = 'succeeded'): PaymentIntent {
    const [book, intent] = this.#row('payment_intent', paymentIntent);
    if (intent.status !== 'requires_action')
      throw new RangeError(`${paymentIntent} is ${intent.status}, not requires_action`);
    finishAction(this.#world, book, intent, outcome);
    return intent;
  }

  /** Ends a pending refund, or lets one that had succeeded fail. */
  endRefund(refund: string, outcome: 'succeeded' | 'failed'): Refund {
    const [book, row] = this.#row('refund', refund);
    endRefund(this.#world, book, row, outcome);
    return row;
  }

  /** Moves a payout on. */
  movePayout(payout: string, to: 'in_transit' | 'paid' | 'failed'): Payout {
    const [book, row] = this.#row('payout', payout);
    if (to === 'in_transit') sendPayout(this.#world, book, row);
    else endPayout(this.#world, book, row, to);
    return row;
  }

  /** The cardholder disputes a charge. */
  dispute(charge: string, options: { reason?: string; amount?: number } = {}): Dispute {
    const [book, row] = this.#row('charge', charge);
    return openDispute(this.#world, book, row, options);
  }

  closeDispute(dispute: string, outcome: 'won' | 'lost'): Dispute {
    const [book, row] = this.#row('dispute', dispute);
    closeDispute(this.#world, book, row, outcome);
    return row;
  }

  /** The charge of a payment, as it is now. */
  chargeOf(paymentIntent: string): Charge {
    const [book, intent] = this.#row('payment_intent', paymentIntent);
    const charge = book.get('charge', intent.latest_charge ?? '');
    if (!charge) throw new RangeError(`${paymentIntent} has no charge`);
    return charge;
  }

  /** Takes an object away, or changes its fields, behind everybody's back: a planted difference for a reconciliation. */
  forget(id: string): boolean {
    return [...this.#world.state.books.values()].some((book) => book.forget(id));
  }

  tamper(id: string, fields: Record<string, unknown>): void {
    const row = [...this.#world.state.books.values()].map((book) => book.find(id)).find((found) => found !== undefined);
    if (!row) throw new RangeError(`no object ${id}`);
    Object.assign(row, fields);
  }

  /** Sends an event again. */
  resend(event: string): void {
    this.webhooks.send(this.#row('event', event)[1]);
  }

  inbox(): InboxEntry[] {
    return paymentsInbox(this.#world.state);
  }

  snapshot(): unknown {
    return {
      state: this.#world.state.snapshot(this.#world.ids.position),
      keys: this.#keys.snapshot(),
      effects: this.effects.snapshot(),
    };
  }

  restore(snapshot: unknown): void {
    const saved = snapshot as { state: StateSnapshot; keys: SavedAnswer[]; effects: Effect[] };
    this.#world.state.restore(saved.state);
    this.#world.ids.resumeAt(saved.state.position);
    this.#keys.restore(saved.keys);
    this.effects.restore(saved.effects);
    for (const id of this.#options.accounts ?? []) {
      if (!this.#world.state.accounts.has(id)) createAccount(this.#world, { id });
    }
  }

  reset(): void {
    this.#world.state.clear();
    this.#keys.clear();
    this.effects.clear();
    this.faults.clear();
    for (const id of this.#options.accounts ?? []) createAccount(this.#world, { id });
  }

  #row<N extends RowName>(name: N, id: string): [Book, Rows[N]] {
    for (const book of this.#world.state.books.values()) {
      const row = book.get(name, id);
      if (row) return [book, row];
    }
    throw new RangeError(`no ${name} ${id}`);
  }

  #schedule(book: Book, timer: { kind: TimerKind; id: string; dueInMs: number }): void {
    const at = this.#clock.now() + timer.dueInMs;
    this.#world.state.timers.push({ kind: timer.kind, account: book.account, id: timer.id, at });
  }

  #emit(book: Book, type: string, object: unknown): void {
    const event: Event = {
      id: newId(this.#world, 'evt'),
      object: 'event',
      ...(book.account === PLATFORM ? {} : { account: book.account }),
      api_version: API_VERSION,
      created: seconds(this.#world),
      data: { object: structuredClone(object) },
      livemode: false,
      pending_webhooks: this.webhooks.count,
      request: { id: this.#current?.id ?? null, idempotency_key: this.#current?.key ?? null },
      type,
    };
    book.add('event', event);
    this.webhooks.send(event);
    this.changed();
  }
}
