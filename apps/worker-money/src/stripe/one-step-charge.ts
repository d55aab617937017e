import type { Found, OpenEffect } from '@queue-service/queue';
import type { Stripe } from 'stripe';
import { ask } from './call.ts';
import { type ChargeRequest, type ChargeTools, type ChargeView, foundIntent } from './charge.ts';
import { createdWindow, type Looked, lookThrough, provenAbsence, whenNotThere } from './lookup.ts';

/**
 * What became of a charge that was created and confirmed in one request, as versions before the two steps did: it has no
 * id to ask by, so the list is read, and the index where the list is too long. Nothing is sent that way again: what is
 * proven not to have happened is sent anew, in two steps.
 */
export async function findOneStepCharge(
  stripe: Stripe,
  request: ChargeRequest,
  open: OpenEffect,
  tools: ChargeTools,
): Promise<Found<ChargeView>> {
  const looked = await lookForIntent(stripe, request, open, tools);
  if (looked.match !== null) {
    const found = foundIntent(looked.match, { repeated: open.repeated }, tools);
    return found.state === 'absent_now' ? { state: 'pending', retryAfterMs: tools.policy.quietMs } : found;
  }
  const absence = provenAbsence(whenNotThere<ChargeView>(open, looked, tools.policy), tools.policy);
  return absence.state === 'absent_for_good' ? { ...absence, newKey: true } : absence;
}

export async function lookForIntent(
  stripe: Stripe,
  request: ChargeRequest,
  open: OpenEffect,
  { policy }: ChargeTools,
): Promise<Looked<Stripe.PaymentIntent>> {
  const created = createdWindow(open, policy);
  const customer = request.customer === undefined ? {} : { customer: request.customer };
  const rows = () => stripe.paymentIntents.list({ ...customer, created, limit: 100 });
  const options = { maxListed: policy.maxListed, refusedIds: open.refusedIds };
  const listed = await ask(open.signal, () => lookThrough(rows(), request.metadata, options));
  if (listed.match !== null || listed.complete) return listed;
  // Too many to read: the index is asked. What it finds counts; that it finds nothing counts only when it has caught up.
  const { queue_job_id: job, queue_effect: effect } = request.metadata;
  const query = `metadata['queue_job_id']:'${job}' AND metadata['queue_effect']:'${effect}'`;
  const searched = await ask(open.signal, () => stripe.paymentIntents.search({ query, limit: 100 }));
  const match = searched.data.find(({ id }) => !open.refusedIds.includes(id)) ?? null;
  return { match, complete: false };
}
