import { Webhook } from 'standardwebhooks';

/**
 * The event of a webhook that this service sent, after its signature and age (5 minutes) were checked.
 * @param body exactly the bytes that arrived, before any parsing
 * @param headers of the request, in any case; of repeated ones the first counts
 * @param secret of the endpoint (`whsec_…`)
 * @throws WebhookVerificationError of standardwebhooks: answer 400 and do nothing
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>,
  secret: string,
): unknown {
  const entries = headers instanceof Headers ? [...headers.entries()] : Object.entries(headers);
  const single = Object.fromEntries(
    entries.flatMap(([name, value]) => {
      const first = typeof value === 'string' ? value : value?.[0];
      return first === undefined ? [] : [[name.toLowerCase(), first]];
    }),
  );
  return new Webhook(secret).verify(typeof body === 'string' ? body : Buffer.from(body), single);
}
