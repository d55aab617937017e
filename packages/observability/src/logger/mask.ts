import type { Secret } from '../config/secret.ts';
import { MASK_RULES } from './secret-patterns.ts';

/** Shorter values would mask parts of ordinary words. */
const SHORTEST_KNOWN_SECRET = 6;

/** Replaces what must not be printed in a text. */
export type Mask = (text: string) => string;

/**
 * Masks everything that looks like a secret (keys of the providers in use, bearer tokens, passwords in URLs, private keys),
 * e-mail addresses and telephone numbers. For text that leaves by another way than the logger, e.g. an alert.
 */
export function maskText(text: string): string {
  const lower = text.toLowerCase();
  return MASK_RULES.reduce(
    (masked, { hints, pattern, replacement }) =>
      hints.some((hint) => lower.includes(hint)) ? masked.replace(pattern, replacement) : masked,
    text,
  );
}

/**
 * {@link maskText}, and before it the exact values of the process's own secrets, for those which look like nothing in
 * particular (a Twilio token is 32 hexadecimal digits, as is a trace id). Values under 6 characters are left to the patterns.
 */
export function createMask(secrets: readonly Secret[] = []): Mask {
  const literals = [...new Set(secrets.flatMap(formsOf))]
    .filter((literal) => literal.length >= SHORTEST_KNOWN_SECRET)
    .sort((a, b) => b.length - a.length);
  return (text) => maskText(literals.reduce((masked, literal) => masked.replaceAll(literal, '[secret]'), text));
}

/** The spellings in which a secret turns up: itself, inside JSON, URL-encoded, and the passwords inside a URL. */
function formsOf(secret: Secret): string[] {
  const value = secret.reveal();
  // Not by URL: it does not read one of several hosts.
  const [, password = ''] = /^[\w+.-]+:\/\/[^:@/?]*:([^@/?]*)@/.exec(value) ?? [];
  const [, another = ''] = /[?&]\w*password=([^&#]*)/i.exec(value) ?? [];
  return [value, password, decoded(password), another, decoded(another)].flatMap((form) => [
    form,
    JSON.stringify(form).slice(1, -1),
    encodeURIComponent(form),
  ]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
