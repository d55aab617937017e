import { PermanentError, RetryableError } from '@queue-service/contracts';
import type { Handler, JobContext } from '@queue-service/queue';
import type { Deliveries, Delivery, DeliveryAttempt } from '../webhooks/deliveries.ts';
import { endpointDisabledNotice, isBeyondHope } from '../webhooks/endpoint-health.ts';
import type { Post } from '../webhooks/post.ts';
import { signedHeaders } from '../webhooks/sign.ts';
import { judge, type Verdict } from '../webhooks/verdict.ts';

export interface DeliverWebhookParts {
  deliveries: Deliveries;
  post: Post;
  /** Told of each try, for the metrics. */
  report?: (outcome: Verdict['kind']) => void;
  now?: () => Date;
}

/**
 * No effect of the runtime's: the delivery's own row is the record of its tries, and a repeat is harmless, because the
 * receiver knows it by its id.
 */
export function deliverWebhook({
  deliveries,
  post,
  report,
  now = () => new Date(),
}: DeliverWebhookParts): Handler<'deliver-webhook'> {
  return async ({ deliveryId }, ctx) => {
    const delivery = await deliveries.load(deliveryId);
    // Somebody else's is not found, as everywhere.
    if (delivery === null || delivery.tenantId !== ctx.tenantId)
      throw new PermanentError({ code: 'delivery_not_found', message: 'There is no such delivery' });
    if (delivery.delivered !== null) return delivery.delivered;
    const at = now();
    if (delivery.endpoint?.active === false) {
      const error = { code: 'endpoint_disabled', message: 'The endpoint is switched off' };
      await deliveries.fail(delivery.id, { at, durationMs: 0, statusCode: null, error }, true);
      throw new PermanentError(error);
    }

    const started = performance.now();
    const headers = signedHeaders(delivery.id, delivery.body, delivery.secrets, at);
    const answer = await post(delivery.url, delivery.body, headers, ctx.signal);
    const verdict = judge(answer);
    const attempt: DeliveryAttempt = {
      at,
      durationMs: Math.round(performance.now() - started),
      statusCode: answer.kind === 'answered' ? answer.statusCode : null,
      error: verdict.kind === 'delivered' ? null : { code: verdict.code, message: verdict.message },
    };
    // Cut off by us (a drain, a cancel): that says nothing about the endpoint, and the runtime knows what it means.
    if (answer.kind === 'unanswered') ctx.signal.throwIfAborted();
    report?.(verdict.kind);
    if (verdict.kind === 'delivered') {
      await deliveries.succeed(delivery.id, attempt);
      return { statusCode: verdict.statusCode, durationMs: attempt.durationMs };
    }
    await deliveries.fail(delivery.id, attempt, verdict.kind === 'stop' || ctx.attempt >= ctx.maxAttempts);
    await disableIfHopeless(delivery, verdict, at, ctx);
    throw verdict.kind === 'stop' ? new PermanentError(verdict) : new RetryableError(verdict);
  };

  async function disableIfHopeless(
    { endpoint, url }: Delivery,
    verdict: Verdict,
    at: Date,
    ctx: JobContext,
  ): Promise<void> {
    if (endpoint === null) return;
    const gone = verdict.kind === 'stop' && verdict.code === 'endpoint_gone';
    if (!gone && !isBeyondHope(endpoint.failingSince, at)) return;
    const reason = gone ? 'gone' : 'failing';
    await deliveries.disableEndpoint(endpoint.id, reason, endpointDisabledNotice({ ...endpoint, url }, reason, at));
    ctx.log.warn({ endpointId: endpoint.id, reason }, 'webhook endpoint switched off');
  }
}
