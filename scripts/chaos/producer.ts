import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import type { Random } from './random.ts';

/** What a job is expected to come to. */
export type Expectation = 'charge' | 'decline' | 'purchase' | 'compensated' | 'mail' | 'message' | 'event';

/** What the producer was told: this job or flow is kept. */
export interface Acknowledged {
  readonly key: string;
  readonly id: string;
  readonly kind: 'job' | 'flow';
  readonly queue: 'money' | 'communication' | 'background';
  readonly expected: Expectation;
  /** It asked to be told of its end. */
  readonly told: boolean;
  /** When the answer came, epoch milliseconds. */
  readonly at: number;
}

export interface ProducerFigures {
  acknowledged: number;
  /** Requests that had to be repeated: no answer, 429, 503. */
  repeated: number;
  /** Given up without an answer; they may be kept or not. */
  unacknowledged: number;
}

export interface Producer {
  readonly acknowledged: readonly Acknowledged[];
  readonly figures: ProducerFigures;
  /** Posts the n-th request of the load, and repeats it with its key until it is told. */
  post(n: number): Promise<void>;
}

const tenants = 7;
/** A place among twenty where a payment stands. */
const paymentOnly = 19;
const wallet = '7cVfgArCheMR6Cs4t6vz5rfnqd56vZq4ndaBrY5xkxXy';
/** Longer than any fault of a run lasts. */
const patienceMs = 90_000;

/** What a producer asks for: something of everything, or payments alone. */
export type Load = 'everything' | 'payments';

/** An HTTP producer that believes only what it was told, and repeats what it was not told with the same key. */
export async function createProducer(cluster: Cluster, random: Random, load: Load): Promise<Producer> {
  const tokens = await Promise.all(Array.from({ length: tenants }, (_, index) => cluster.token(`tenant-${index}`)));
  const urls = cluster.members.flatMap(({ url }) => (url === null ? [] : [url]));
  const acknowledged: Acknowledged[] = [];
  const figures: ProducerFigures = { acknowledged: 0, repeated: 0, unacknowledged: 0 };

  async function tryOnce(path: string, token: string, key: string, body: unknown) {
    const response = await fetch(`${random.pick(urls)}/api/v1/queue${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const answer = (await response.json()) as { job?: { id: string }; flow?: { id: string } };
    if (response.status === 202 || response.status === 200) return { id: (answer.job ?? answer.flow)?.id ?? '' };
    if ([429, 500, 503].includes(response.status)) return null;
    throw new ProducerError(`POST ${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  }

  return {
    acknowledged,
    figures,
    post: async (n) => {
      const { path, body, ...asked } = requestOf(n, load, `${cluster.hookUrl}/ends`);
      const key = `chaos-${n}`;
      const token = tokens[n % tenants] ?? '';
      for (const until = Date.now() + patienceMs; Date.now() < until; figures.repeated += 1) {
        const told = await tryOnce(path, token, key, body).catch((error: unknown) => {
          if (error instanceof ProducerError) throw error;
          return null;
        });
        if (told !== null) {
          acknowledged.push({ ...asked, key, id: told.id, at: Date.now() });
          figures.acknowledged += 1;
          return;
        }
        await sleep(200 + random.below(500));
      }
      figures.unacknowledged += 1;
    },
  };
}

class ProducerError extends Error {}

interface Request extends Pick<Acknowledged, 'kind' | 'queue' | 'expected' | 'told'> {
  path: string;
  body: unknown;
}

/** The n-th request: of twenty, twelve payments, two purchases, four mails, a message and an event. */
function requestOf(n: number, load: Load, webhookUrl: string): Request {
  const orderId = `order-${n}`;
  const card = (paymentMethodId: string) => ({ orderId, amount: 1_000 + n, currency: 'eur', paymentMethodId });
  const job = (queue: Request['queue'], type: string, expected: Expectation, data: unknown): Request => ({
    ...{ path: '/jobs', kind: 'job', queue, expected, told: load === 'everything' },
    body: { queue, type, data, options: load === 'everything' ? { webhookUrl } : {} },
  });
  const of = load === 'payments' ? paymentOnly : n % 20;
  if (of === 0 && n % 40 === 20) {
    return {
      ...{ path: '/flows', kind: 'flow', queue: 'money', expected: 'compensated', told: false },
      body: {
        name: 'two-cards',
        steps: [
          {
            name: 'first',
            type: 'payment-process',
            data: card('pm_card_visa'),
            compensation: {
              type: 'refund-process',
              data: { paymentIntentId: { $ref: 'steps.first.result.paymentIntentId' }, reason: 'purchase_failed' },
            },
          },
          {
            name: 'second',
            type: 'payment-process',
            data: card('pm_card_chargeDeclined'),
            dependsOn: ['first'],
            onFailure: 'compensate',
          },
        ],
      },
    };
  }
  if (of === 0 || of === 10) {
    return {
      ...{ path: '/flows', kind: 'flow', queue: 'money', expected: 'purchase', told: false },
      body: {
        template: 'ticket-purchase',
        input: {
          payment: card('pm_card_visa'),
          ticket: {
            ticketId: `ticket-${n}`,
            eventId: 'open-air-2027',
            ownerWallet: wallet,
            metadata: { name: `Seat ${n}`, symbol: 'OPEN27', uri: `https://tickets.example/${n}.json`, attributes: {} },
          },
          buyer: { email: mailbox(n) },
        },
      },
    };
  }
  if (of < 5) {
    return job('communication', 'send-email', 'mail', { to: mailbox(n), subject: 'Doors at 7', text: secretText(n) });
  }
  if (of === 5) return job('communication', 'send-sms', 'message', { to: phone(n), body: secretText(n) });
  if (of === 6) {
    return job('background', 'analytics-track', 'event', { userId: `user-of-${n}`, event: 'Ticket viewed' });
  }
  const declines = n % 25 === 7;
  return job(
    'money',
    'payment-process',
    declines ? 'decline' : 'charge',
    card(declines ? 'pm_card_chargeDeclined' : 'pm_card_visa'),
  );
}

const mailbox = (n: number) => `buyer-${n}@example.com`;
const phone = (n: number) => `+4179${String(1_000_000 + n)}`;
const secretText = (n: number) => `confidential-text-${n}`;

/** What must stand in no log line. */
export const personalData = [/buyer-\d+@example\.com/, /\+4179\d{7}/, /confidential-text-\d+/, /user-of-\d+/];
