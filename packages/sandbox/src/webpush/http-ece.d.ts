declare module 'http_ece' {
  import type { ECDH } from 'node:crypto';

  /** Decrypts `aes128gcm` content (RFC 8188) with the keys of a push subscription (RFC 8291). */
  export function decrypt(
    content: Buffer,
    params: { version: 'aes128gcm'; privateKey: ECDH; authSecret: Buffer },
  ): Buffer;
}
