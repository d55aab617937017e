import { EncryptJWT, jwtDecrypt } from 'jose';

/** What a browser or a link carries for us, readable and changeable by nobody else: encrypted and authenticated. */
export interface Sealed {
  seal(claims: Record<string, string>, expiresAtMs: number): Promise<string>;
  /** Null for what is not ours, was made for another purpose or is over. */
  open(text: string): Promise<Record<string, unknown> | null>;
}

/** @param key 32 bytes @param purpose what is sealed for one is not opened for another */
export function createSealed(key: Uint8Array, purpose: string, nowMs: () => number): Sealed {
  return {
    seal: (claims, expiresAtMs) =>
      new EncryptJWT(claims)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setAudience(purpose)
        .setExpirationTime(Math.floor(expiresAtMs / 1_000))
        .encrypt(key),
    open: async (text) => {
      try {
        const expected = { audience: purpose, requiredClaims: ['exp'], currentDate: new Date(nowMs()) };
        const { payload } = await jwtDecrypt(text, key, {
          ...expected,
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        return payload;
      } catch {
        return null;
      }
    },
  };
}
