import { Stripe } from 'stripe';
import { underWay } from '../../apps/worker-money/src/stripe/http-client.ts';
import type { Process, World } from './world.ts';

type Metadata = Record<string, string>;
interface Intent {
  [key: string]: unknown;
  id: string;
  object: 'payment_intent';
  status: string;
  amount: number;
  amount_received: number;
  currency: string;
  created: number;
  metadata: Metadata;
  payment_method: string;
}
interface Moved {
  id: string;
  object: 'refund' | 'transfer';
  status: string;
  amount: number;
  currency: string;
  created: number;
  metadata: Metadata;
  payment_intent?: string;
  transfer_group?: string;
  destination?: string;
}
type Saved = { params: string; at: number; answer: unknown } | { params: string; at: number; error: object };

const { errors } = Stripe;
const apiError = (statusCode: number, type?: string) =>
  new errors.StripeAPIError({ statusCode, message: 'x', ...(type && { type }) } as never);
const invalid = (code: string, param?: string) =>
  new errors.StripeInvalidRequestError({ statusCode: 400, type: 'invalid_request_error', code, param } as never);
const noConnection = () =>
  new errors.StripeConnectionError({
    message: 'x',
    detail: Object.assign(new Error('x'), { syscall: 'connect', code: 'ECONNREFUSED' }),
  } as never);
const timedOut = () =>
  new errors.StripeConnectionError({
    message: 'x',
    detail: Object.assign(new Error('x'), { code: 'ETIMEDOUT' }),
  } as never);
const reset = () => new errors.StripeConnectionError({ message: 'x', detail: new Error('x') } as never);

/** Longer than a client waits, shorter than `quietMs`: how late a request may arrive that was given up. */
export const clientTimeoutMs = 30_000;
/** By number, see `#write`; what lands late is drawn more often. */
const faults = [0, 1, 2, 3, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10];
const latestLandingMs = 9 * clientTimeoutMs;
const keyLifeMs = 24 * 3_600_000;

/**
 * Stripe's PaymentIntents, refunds and transfers as far as the money handlers use them, behind a network that loses,
 * delays and repeats nothing, but answers in every way there is: not at all, late, with somebody else's body, with an
 * error after the work. Objects are strongly consistent, as Stripe's are by id and by list.
 */
export class SimulatedStripe {
  readonly intents = new Map<string, Intent>();
  readonly moved = new Map<string, Moved>();
  faultRate = 0;
  readonly #world: World;
  readonly #saved = new Map<string, Saved>();
  #ids = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The client of one process. */
  client(process: Process): Stripe {
    const write = <Answer>(name: string, params: unknown, key: string | undefined, work: () => Answer) =>
      this.#write(process, name, params, key, work);
    const read = <Answer>(name: string, work: () => Answer) => this.#read(process, name, work);
    const list = <Row extends { metadata: Metadata }>(name: string, work: () => Row[]) => ({
      [Symbol.asyncIterator]: () => {
        let rows: Row[] | null = null;
        return {
          next: async () => {
            rows ??= await read(name, () => structuredClone(work()));
            const value = rows.shift();
            return value === undefined ? { done: true, value } : { done: false, value };
          },
        };
      },
    });
    const client = {
      paymentIntents: {
        create: (params: Partial<Intent>, { idempotencyKey }: { idempotencyKey: string }) =>
          write('create intent', params, idempotencyKey, () => this.#createIntent(params)),
        confirm: (id: string, params: object, { idempotencyKey }: { idempotencyKey: string }) =>
          write(`confirm ${id}`, { id, ...params }, idempotencyKey, () => this.#confirm(id)),
        cancel: (id: string) => write(`cancel ${id}`, {}, undefined, () => this.#cancel(id)),
        retrieve: (id: string) => read(`retrieve ${id}`, () => this.#intent(id)),
        list: () => list('list intents', () => [...this.intents.values()].reverse()),
      },
      refunds: {
        create: (
          params: { payment_intent: string; amount: number; metadata: Metadata },
          options: { idempotencyKey: string },
        ) => write('create refund', params, options.idempotencyKey, () => this.#refund(params)),
        retrieve: (id: string) => read(`retrieve ${id}`, () => this.#movement(id)),
        list: ({ payment_intent }: { payment_intent: string }) =>
          list('list refunds', () => this.#movements('refund').filter((one) => one.payment_intent === payment_intent)),
      },
      transfers: {
        create: (params: Partial<Moved>, options: { idempotencyKey: string }) =>
          write('create transfer', params, options.idempotencyKey, () => this.#transfer(params)),
        list: ({ transfer_group }: { transfer_group?: string }) =>
          list('list transfers', () =>
            this.#movements('transfer').filter((one) => one.transfer_group === transfer_group),
          ),
      },
    };
    return client as unknown as Stripe;
  }

  async #read<Answer>(process: Process, name: string, work: () => Answer): Promise<Answer> {
    await this.#world.gate(process, name);
    if (this.#world.chance(this.faultRate / 3)) {
      throw this.#world.random.pick([noConnection, timedOut, () => apiError(429), () => apiError(503)])();
    }
    const answer = structuredClone(work());
    await this.#world.gate(process, `${name}: answer`);
    return answer;
  }

  async #write<Answer>(
    process: Process,
    name: string,
    params: unknown,
    key: string | undefined,
    work: () => Answer,
  ): Promise<Answer> {
    const world = this.#world;
    const sending = underWay.getStore();
    await world.gate(process, name);
    // As the HTTP client does it, right before a request leaves.
    await sending?.requireClaim?.();
    if (sending?.signal.aborted) throw noConnection();
    const act = () => structuredClone(this.#once(key, JSON.stringify(params), work));
    const quietly = () => {
      try {
        act();
      } catch {}
    };
    if (!world.chance(this.faultRate)) {
      let answer: Answer;
      try {
        answer = act();
      } finally {
        await world.gate(process, `${name}: answer`);
      }
      return answer;
    }
    const fault = world.random.pick(faults);
    world.tell(`${process.name}: ${name} meets fault ${fault}`);
    switch (fault) {
      case 0:
        throw noConnection();
      case 1:
        throw new errors.StripeRateLimitError({ statusCode: 429, type: 'rate_limit_error' } as never);
      case 2:
        throw timedOut(); // Lost on its way.
      case 3:
        world.after(world.random.below(latestLandingMs), () => {
          world.tell(`${name} of ${process.name} lands late`);
          quietly();
        });
        throw timedOut();
      case 4:
        quietly();
        throw reset();
      case 5:
        quietly();
        throw apiError(500, 'api_error');
      case 6:
        if (key !== undefined)
          this.#saved.set(key, { params: JSON.stringify(params), at: world.now, error: apiError(500, 'api_error') });
        throw apiError(500, 'api_error');
      case 7:
        quietly();
        throw apiError(world.random.pick([408, 424, 404, 400]));
      case 8:
        throw apiError(502);
      case 9:
        // Our key was revoked for a moment.
        throw new errors.StripeAuthenticationError({ statusCode: 401, type: 'invalid_request_error' } as never);
      default:
        quietly();
        return { id: 1, html: '<html>' } as never;
    }
  }

  /** What idempotency keys do: the first answer again, also a saved 500, for a day. */
  #once<Answer>(key: string | undefined, params: string, work: () => Answer): Answer {
    const known = key === undefined ? undefined : this.#saved.get(key);
    if (known !== undefined && this.#world.now - known.at < keyLifeMs) {
      if (known.params !== params) {
        throw new errors.StripeIdempotencyError({ statusCode: 400, type: 'idempotency_error' } as never);
      }
      if ('error' in known) throw known.error;
      return structuredClone(known.answer) as Answer;
    }
    try {
      const answer = work();
      if (key !== undefined) this.#saved.set(key, { params, at: this.#world.now, answer: structuredClone(answer) });
      return answer;
    } catch (error) {
      // Refusals of a card are saved as well; those of validation are not.
      if (key !== undefined && error instanceof errors.StripeCardError) {
        this.#saved.set(key, { params, at: this.#world.now, error });
      }
      throw error;
    }
  }

  #id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#ids}`;
  }

  #seconds(): number {
    return Math.floor(this.#world.now / 1_000);
  }

  #createIntent(params: Partial<Intent>): Intent {
    const intent: Intent = {
      ...{ id: this.#id('pi'), object: 'payment_intent', status: 'requires_confirmation', amount_received: 0 },
      ...{ amount: params.amount as number, currency: params.currency as string, created: this.#seconds() },
      ...{ metadata: params.metadata as Metadata, payment_method: params.payment_method as string },
    };
    this.intents.set(intent.id, intent);
    return intent;
  }

  #intent(id: string): Intent {
    const intent = this.intents.get(id);
    if (intent === undefined) throw invalid('resource_missing', 'intent');
    return intent;
  }

  #confirm(id: string): Intent {
    const intent = this.#intent(id);
    if (intent.status !== 'requires_confirmation' && intent.status !== 'requires_payment_method') {
      throw invalid('payment_intent_unexpected_state');
    }
    switch (intent.payment_method) {
      case 'declined':
        return this.#decline(intent);
      case 'wavering':
        // A bank that thinks again each time it is asked.
        if (this.#world.chance(0.5)) this.#succeed(intent);
        else this.#decline(intent);
        break;
      case 'bank': {
        intent.status = 'processing';
        const good = this.#world.chance(0.6);
        this.#world.after(this.#world.random.below(40 * 3_600_000), () => {
          if (good) this.#succeed(intent);
          else
            Object.assign(intent, { status: 'requires_payment_method', last_payment_error: { code: 'card_declined' } });
        });
        break;
      }
      default:
        this.#succeed(intent);
    }
    return intent;
  }

  #decline(intent: Intent): never {
    Object.assign(intent, { status: 'requires_payment_method', last_payment_error: { code: 'card_declined' } });
    throw new errors.StripeCardError({ statusCode: 402, type: 'card_error', code: 'card_declined' } as never);
  }

  #succeed(intent: Intent): void {
    Object.assign(intent, { status: 'succeeded', amount_received: intent.amount, latest_charge: `ch_${intent.id}` });
    this.#world.tell(`${intent.id} succeeds for ${intent.metadata.queue_job_id}`);
  }

  #cancel(id: string): Intent {
    const intent = this.#intent(id);
    if (['succeeded', 'canceled', 'processing'].includes(intent.status))
      throw invalid('payment_intent_unexpected_state');
    intent.status = 'canceled';
    this.#world.tell(`${id} is canceled`);
    return intent;
  }

  #movements(object: Moved['object']): Moved[] {
    return [...this.moved.values()].filter((one) => one.object === object).reverse();
  }

  #movement(id: string): Moved {
    const found = this.moved.get(id);
    if (found === undefined) throw invalid('resource_missing');
    return found;
  }

  #refund(params: { payment_intent: string; amount: number; metadata: Metadata }): Moved {
    const intent = this.#intent(params.payment_intent);
    const given = this.#movements('refund')
      .filter((one) => one.payment_intent === intent.id && one.status !== 'failed')
      .reduce((sum, one) => sum + one.amount, 0);
    if (params.amount > intent.amount_received - given) throw invalid(undefined as never, 'amount');
    return this.#move('refund', { ...params, currency: intent.currency });
  }

  #transfer(params: Partial<Moved>): Moved {
    return this.#move('transfer', params);
  }

  #move(object: Moved['object'], params: Partial<Moved>): Moved {
    const made: Moved = {
      ...{ amount: 0, currency: 'eur', metadata: {}, ...structuredClone(params) },
      ...{ id: this.#id(object === 'refund' ? 're' : 'tr'), object, status: 'succeeded', created: this.#seconds() },
    };
    if (object === 'refund' && this.#world.chance(0.2)) {
      made.status = 'pending';
      const good = this.#world.chance(0.7);
      this.#world.after(this.#world.random.below(30 * 24 * 3_600_000), () => {
        made.status = good ? 'succeeded' : 'failed';
      });
    }
    this.moved.set(made.id, made);
    this.#world.tell(`${made.id} (${object} of ${made.amount}) is made for ${made.metadata.queue_job_id}`);
    return made;
  }
}
