import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Secret } from '@queue-service/observability';
import webpush from 'web-push';

/** What a browser hands to its application server: the keys of a subscription. */
export function subscriptionKeys() {
  const browser = createECDH('prime256v1');
  return { p256dh: browser.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') };
}

export function vapid() {
  const { publicKey, privateKey } = webpush.generateVAPIDKeys();
  return { publicKey, privateKey: new Secret(privateKey), subject: 'mailto:ops@example.com' };
}

/** A key of a service account whose access tokens come from `tokenUri`. */
export function serviceAccount(tokenUri: string) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    project_id: 'tickets',
    client_email: 'push@tickets.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    token_uri: tokenUri,
  };
}
