import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { mapPaths } from '@queue-service/contracts';

/** AES-256-GCM, the key id beside the text, so that keys can be rotated: the first seals, all open. */
export interface SealingKey {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** Encrypts the personal data of payloads before it reaches PostgreSQL or Redis, and opens it for the handler. */
export interface Sealer {
  /** `payload` with what lies at the paths encrypted. */
  seal(payload: unknown, paths: readonly string[]): unknown;
  /** The reverse. What was stored unsealed passes as it is. @throws SealError when the key is not known any more */
  open(payload: unknown, paths: readonly string[]): unknown;
  sealValue(value: unknown): unknown;
  openValue(value: unknown): unknown;
  /** A keyed hash, for looking up what is sealed. Changes with the oldest key only. */
  hash(value: string): Buffer;
}

export class SealError extends Error {
  override readonly name = 'SealError';
}

const marker = '$sealed';
const ivBytes = 12;
/** Vectors are no secret, only never the same twice: drawn many at once, for a call takes as long as a sealing. */
const vectorsAtOnce = 512;

/** @param keys empty: nothing is encrypted (development); sealed values are then refused on opening */
export function createSealer(keys: readonly SealingKey[]): Sealer {
  // Made once: from plain bytes it would be made again for each value.
  const byId = new Map(keys.map((key) => [key.id, createSecretKey(key.key)]));
  const current = keys[0];
  const sealing = current === undefined ? undefined : byId.get(current.id);
  const oldest = keys.at(-1);

  let vectors = Buffer.alloc(0);
  let used = 0;
  const nextVector = (): Buffer => {
    if (used === vectors.length) {
      vectors = randomBytes(vectorsAtOnce * ivBytes);
      used = 0;
    }
    used += ivBytes;
    return vectors.subarray(used - ivBytes, used);
  };

  const sealValue = (value: unknown): unknown => {
    if (current === undefined || sealing === undefined) return value;
    const iv = nextVector();
    const cipher = createCipheriv('aes-256-gcm', sealing, iv);
    const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
    return {
      [marker]: ['v1', current.id, Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')].join('.'),
    };
  };

  const openValue = (value: unknown): unknown => {
    if (!isSealed(value)) return value;
    const [version, id = '', body = ''] = value[marker].split('.');
    const key = byId.get(id);
    if (version !== 'v1' || key === undefined) {
      throw new SealError(`a value is sealed with key ${id}, which PAYLOAD_ENCRYPTION_KEYS does not have`);
    }
    const bytes = Buffer.from(body, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes));
    decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + 16));
    try {
      return JSON.parse(
        Buffer.concat([decipher.update(bytes.subarray(ivBytes + 16)), decipher.final()]).toString('utf8'),
      );
    } catch {
      throw new SealError(`a value sealed with key ${id} was altered or the key is another one of the same id`);
    }
  };

  return {
    sealValue,
    openValue,
    seal: (payload, paths) => (current === undefined ? payload : mapPaths(payload, paths, sealValue)),
    open: (payload, paths) => mapPaths(payload, paths, openValue),
    hash: (value) =>
      createHmac('sha256', oldest?.key ?? Buffer.alloc(32))
        .update(value)
        .digest(),
  };
}

function isSealed(value: unknown): value is { [marker]: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[marker] === 'string' &&
    Object.keys(value).length === 1
  );
}

/**
 * PAYLOAD_ENCRYPTION_KEYS: `id:base64,id:base64`, the first seals.
 * @throws Error that says which entry is bad, never what it holds
 */
export function parseSealingKeys(text: string): SealingKey[] {
  return text.split(',').map((entry, index) => {
    const [, id, encoded] = /^([A-Za-z0-9_-]{1,32}):(.+)$/.exec(entry.trim()) ?? [];
    if (id === undefined || encoded === undefined) throw new Error(`entry ${index + 1} is not id:base64`);
    const key = Buffer.from(encoded, 'base64');
    if (key.length !== 32) throw new Error(`the key of entry ${index + 1} has ${key.length} bytes instead of 32`);
    return { id, key };
  });
}
