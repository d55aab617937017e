import { createHash, randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Makes ids of a provider's look. The same seed gives the same ids in the same order. */
export class IdSource {
  readonly #seed: string;
  #next = 0;

  constructor(seed: string = randomBytes(8).toString('hex')) {
    this.#seed = seed;
  }

  /** `length` letters and digits. */
  token(length: number): string {
    let out = '';
    while (out.length < length) {
      for (const byte of this.#digest()) out += ALPHABET[byte % ALPHABET.length];
    }
    return out.slice(0, length);
  }

  /** `length` hexadecimal digits, as in Twilio's SIDs. */
  hex(length: number): string {
    let out = '';
    while (out.length < length) out += this.#digest().toString('hex');
    return out.slice(0, length);
  }

  get position(): number {
    return this.#next;
  }

  /** Continues where a saved state stopped, so that no id is given twice. */
  resumeAt(position: number): void {
    this.#next = Math.max(this.#next, position);
  }

  #digest(): Buffer {
    return createHash('sha256')
      .update(`${this.#seed}:${this.#next++}`)
      .digest();
  }
}

/** A small seeded generator (mulberry32) for decisions that a test must be able to repeat. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
