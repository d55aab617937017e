import { z } from 'zod';
import { Secret } from './secret.ts';

/**
 * A whole number, in decimal digits. Stricter than coercion, which reads `0x10`, `1e3` and `''` as numbers.
 * Bounds are inclusive.
 */
export function integer(bounds: { min?: number; max?: number } = {}) {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = bounds;
  return z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
}

/** A TCP port; 0 lets the system choose a free one. */
export function port() {
  return integer({ min: 0, max: 65_535 });
}

/** `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case. */
export function boolean() {
  return z.stringbool({
    truthy: ['true', '1', 'yes', 'on'],
    falsy: ['false', '0', 'no', 'off'],
    error: 'must be true or false',
  });
}

/** An absolute URL with one of these schemes (without colon, e.g. `['https']`), as a string. */
export function url(protocols: readonly string[] = ['http', 'https']) {
  return z.string().refine((value) => hasProtocol(value, protocols), `must be a URL with ${named(protocols)}`);
}

/** A URL that may hold a password, e.g. of a database. */
export function secretUrl(protocols: readonly string[]) {
  return url(protocols).transform((value) => new Secret(value));
}

/** A value never to be printed. `minBytes` counts UTF-8 bytes. */
export function secret(options: { minBytes?: number } = {}) {
  const { minBytes = 1 } = options;
  return z
    .string()
    .refine((value) => Buffer.byteLength(value) >= minBytes, `must be at least ${minBytes} bytes long`)
    .transform((value) => new Secret(value));
}

/** Several of them, separated by commas: each by itself must be long enough. */
export function secrets(options: { minBytes?: number } = {}) {
  const { minBytes = 1 } = options;
  const parts = (text: string) => text.split(',').map((part) => part.trim());
  return z
    .string()
    .refine(
      (text) => parts(text).every((part) => Buffer.byteLength(part) >= minBytes),
      `must be one or more secrets, separated by commas, each at least ${minBytes} bytes long`,
    )
    .transform((text) => parts(text).map((part) => new Secret(part)));
}

function hasProtocol(value: string, protocols: readonly string[]): boolean {
  const parsed = URL.parse(value);
  return parsed !== null && protocols.includes(parsed.protocol.slice(0, -1));
}

function named(protocols: readonly string[]): string {
  return protocols.map((protocol) => `${protocol}://`).join(' or ');
}
