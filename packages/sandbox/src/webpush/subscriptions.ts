// Packages that import this one read its sources: they need the declaration too.
/// <reference path="./http-ece.d.ts" />
import { createECDH, randomBytes } from 'node:crypto';
import ece from 'http_ece';

const CURVE = 'prime256v1';

/** A browser's side of a subscription, with its private keys. */
export interface StoredSubscription {
  id: string;
  /** Raw P-256 private key, base64url. */
  privateKey: string;
  p256dh: string;
  auth: string;
  /** The VAPID key it was made for, base64url; any key when null. */
  applicationServerKey: string | null;
  state: 'active' | 'expired';
}

export function newSubscription(id: string, applicationServerKey: string | null): StoredSubscription {
  const keys = createECDH(CURVE);
  const p256dh = keys.generateKeys('base64url', 'uncompressed');
  return {
    id,
    privateKey: keys.getPrivateKey('base64url'),
    p256dh,
    auth: randomBytes(16).toString('base64url'),
    applicationServerKey,
    state: 'active',
  };
}

/** What the browser shows its user. @throws Error when the body was not encrypted for this subscription */
export function decryptPush(subscription: StoredSubscription, body: Buffer): string {
  const privateKey = createECDH(CURVE);
  privateKey.setPrivateKey(subscription.privateKey, 'base64url');
  const authSecret = Buffer.from(subscription.auth, 'base64url');
  return ece.decrypt(body, { version: 'aes128gcm', privateKey, authSecret }).toString('utf8');
}
