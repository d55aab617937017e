import { createECDH, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Keypair } from '@solana/web3.js';
import bs58 from 'bs58';

/** Secrets of one demo installation, made at its first start and kept beside its data: no two share them. */
export interface DemoSecrets {
  jwtSecret: string;
  metricsToken: string;
  encryptionKey: string;
  stripeWebhookSecret: string;
  /** Base58 secret key. */
  mintAuthority: string;
  vapidPublicKey: string;
  vapidPrivateKey: string;
  /** As Standard Webhooks writes it. */
  alertWebhookSecret: string;
}

/** @param path a file only its owner can read; written when it is not there */
export async function demoSecrets(path: string): Promise<DemoSecrets> {
  const vapid = createECDH('prime256v1');
  vapid.generateKeys();
  const saved = await savedSecrets(path);
  // A newer version may need one more than an older one has kept.
  const secrets: DemoSecrets = {
    jwtSecret: randomBytes(48).toString('base64url'),
    metricsToken: randomBytes(24).toString('base64url'),
    encryptionKey: `demo:${randomBytes(32).toString('base64')}`,
    stripeWebhookSecret: `whsec_${randomBytes(24).toString('hex')}`,
    mintAuthority: bs58.encode(Keypair.generate().secretKey),
    vapidPublicKey: vapid.getPublicKey('base64url'),
    vapidPrivateKey: vapid.getPrivateKey('base64url'),
    alertWebhookSecret: `whsec_${randomBytes(24).toString('base64')}`,
    ...saved,
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  return secrets;
}

async function savedSecrets(path: string): Promise<Partial<DemoSecrets>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Partial<DemoSecrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
