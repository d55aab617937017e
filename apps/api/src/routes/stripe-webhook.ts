import type { Logger, Secret } from '@queue-service/observability';
import { insertProviderEvent, recordLateTurn, recordProviderEntry, wakeCriticalJob } from '@queue-service/persistence';
import { asStripeEvent, readStripeEvent, type StripeEvent } from '@queue-service/providers';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import Stripe from 'stripe';
import { z } from 'zod';
import { PLATFORM_TENANT } from '../auth/principal.ts';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';

const receivedSchema = z.object({ received: z.boolean(), duplicate: z.boolean() });

/** What Stripe says later. Without the secret nothing can be trusted, and the path is not there. */
export function stripeWebhookRoutes(runtime: Runtime, secrets: readonly Secret[], log: Logger): Route[] {
  if (secrets.length === 0) return [];
  return [
    route({
      method: 'post',
      path: '/providers/stripe/webhook',
      access: 'public',
      summary: 'Events of Stripe, signed by it',
      headers: z.object({ 'Stripe-Signature': z.string().optional() }),
      body: {
        schema: z.looseObject({ id: z.string(), type: z.string() }),
        raw: { signature: 'Stripe-Signature' },
        limitBytes: 262_144,
        read: (bytes) => ({ ok: true, value: bytes as Buffer }),
      },
      answers: { 200: receivedSchema },
      problems: ['invalid_signature', 'database_unavailable'],
      handler: async ({ body, headers }) => {
        const event = asStripeEvent(verified(body, headers['Stripe-Signature'] ?? '', secrets));
        // Signed, and not what Stripe sends: a repeat would be no better.
        if (event === null) log.warn('A signed event of Stripe has not the shape of one; it is ignored');
        const duplicate = event !== null && !(await take(event, runtime, log));
        return { status: 200, body: { received: true, duplicate } };
      },
    }),
  ];
}

/** @param secrets of the endpoints at Stripe: the platform's and Connect's have one each, a rolled one has two for a day */
function verified(body: Buffer, signature: string, secrets: readonly Secret[]): unknown {
  const { signature: verifier, DEFAULT_TOLERANCE } = Stripe.webhooks;
  const isSigned = secrets.some((secret) => {
    try {
      return verifier?.verifyHeader(body, signature, secret.reveal(), DEFAULT_TOLERANCE) === true;
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
      throw error;
    }
  });
  if (!isSigned) throw new Problem('invalid_signature');
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Problem('malformed_json');
  }
}

/** Recorded and acted on in one transaction: an event that is known has had its effect. False when it is known. */
async function take(event: StripeEvent, runtime: Runtime, log: Logger): Promise<boolean> {
  const { kind, objectId, jobId, occurredAt, account, ledgerEntry } = readStripeEvent(event);
  const outcome = await whileDatabaseAvailable(() =>
    runtime.db.transaction(async (sql) => {
      // The event itself names people; what it means to the ledger does not.
      const payload = { kind, account, ledgerEntry: ledgerEntry ?? null };
      const stored = { provider: 'stripe', eventId: event.id, type: event.type, objectId, jobId, payload, occurredAt };
      if (!(await insertProviderEvent(sql, stored))) return { fresh: false, woken: false };
      if (kind === 'wake' && jobId !== null) {
        if (ledgerEntry?.status === 'rejected') {
          await recordLateTurn(sql, { ...ledgerEntry, jobId, provider: 'stripe', occurredAt });
        }
        return { fresh: true, woken: await wakeCriticalJob(sql, jobId) };
      }
      if ((kind === 'dispute' || kind === 'external_refund') && ledgerEntry !== undefined) {
        await recordProviderEntry(sql, { ...ledgerEntry, provider: 'stripe', occurredAt }, PLATFORM_TENANT);
      }
      return { fresh: true, woken: false };
    }),
  );
  if (outcome.woken && jobId !== null) await promote(runtime, jobId, log);
  return outcome.fresh;
}

/** Failing is no loss: the job then runs when it would have without the event. */
async function promote({ connections }: Runtime, jobId: string, log: Logger): Promise<void> {
  const { queue, redis } = connections.of('money');
  if (redis.status !== 'ready') return;
  try {
    const job = await queue.getJob(jobId);
    if ((await job?.isDelayed()) === true) await job?.promote();
  } catch (error) {
    log.warn({ err: error, jobId }, 'A job that Stripe told of could not be made due in Redis; it runs at its time');
  }
}
