import type { Secret } from '@queue-service/observability';
import { Webhook } from 'standardwebhooks';
import { changeOf, runbooks } from '../message.ts';
import { type AlertChannel, post } from './channel.ts';

/**
 * One request a notice, signed after Standard Webhooks; `webhook-id` is the same on every try.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookChannel(url: Secret, secret: Secret, now: () => Date): AlertChannel {
  const signer = new Webhook(secret.reveal());
  return {
    name: 'webhook',
    batch: 1,
    send: async (notices, signal) => {
      for (const notice of notices) {
        const change = changeOf(notice);
        const { id, key, kind, severity, summary, details, openedAt, closedAt } = notice;
        const at = now();
        const body = JSON.stringify({
          type: `incident.${change}`,
          timestamp: at.toISOString(),
          data: { id, key, kind, severity, summary, details, openedAt, closedAt, runbook: runbooks[kind] },
        });
        // A change is told from the one before by when that was told.
        const messageId = `${id}-${change}-${notice.toldAt?.getTime() ?? 0}`;
        const headers = {
          'webhook-id': messageId,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': signer.sign(messageId, at, body),
        };
        await post(url.reveal(), body, headers, signal);
      }
    },
  };
}
