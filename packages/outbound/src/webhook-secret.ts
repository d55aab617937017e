import { randomBytes } from 'node:crypto';

/** A secret of Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes; 32 here, the size of the digest. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
