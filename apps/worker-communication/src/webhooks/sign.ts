import type { Secret } from '@queue-service/observability';
import { Webhook } from 'standardwebhooks';

/**
 * The headers of Standard Webhooks. Every live secret signs, so that a receiver can change over in its own time.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * @param id the same on every try; by it the receiver knows a repeat
 * @param at of this try: receivers refuse old signatures
 */
export function signedHeaders(id: string, body: string, secrets: readonly Secret[], at: Date): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret.reveal()).sign(id, at, body));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
  };
}
