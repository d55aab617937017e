/** RFC 7518 section 3.2: an HS256 key is at least as long as its hash. */
const LEAST_BYTES = 32;
/** Hexadecimal digits of a random 128-bit key measure about 115; words and patterns of the same length stay below. */
const LEAST_BITS = 96;

/** Texts from tutorials and templates, without punctuation. Too long to occur in a random secret by chance. */
const PLACEHOLDERS = [
  'changeme',
  'changethis',
  'replaceme',
  'replacethis',
  'placeholder',
  'yoursecret',
  'yourjwt',
  'yoursuper',
  'yourkey',
  'mysecret',
  'jwtsecret',
  'secretkey',
  'supersecret',
  'topsecret',
  'defaultsecret',
  'devsecret',
  'developmentsecret',
  'testsecret',
  'examplesecret',
  'notasecret',
  'insecure',
  'donotuse',
  'password',
  'qwertyuiop',
  'keyboardcat',
];

/** Why a secret must not sign tokens, without repeating it; undefined when it may. */
export function weaknessOf(secret: string): string | undefined {
  const bytes = Buffer.byteLength(secret);
  if (bytes < LEAST_BYTES) return `is ${bytes} bytes long; HS256 needs at least ${LEAST_BYTES}`;
  const letters = secret.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  if (/^(?:secret)+\d*$/.test(letters) || PLACEHOLDERS.some((placeholder) => letters.includes(placeholder))) {
    return 'is a known placeholder; make one with: openssl rand -base64 48';
  }
  if (entropyBits(unrepeated(secret)) < LEAST_BITS) {
    return 'repeats itself or uses too few different characters to be random; make one with: openssl rand -base64 48';
  }
  return undefined;
}

/** `abcabcabcab` is worth no more than `abc`. */
function unrepeated(text: string): string {
  for (let period = 1; period <= text.length / 2; period += 1) {
    if (text.startsWith(text.slice(period))) return text.slice(0, period);
  }
  return text;
}

/** Shannon's measure over the characters, in bits: an upper bound of what the text can be worth. */
function entropyBits(text: string): number {
  const characters = [...text];
  const counts = new Map<string, number>();
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - count * Math.log2(count / characters.length), 0);
}
