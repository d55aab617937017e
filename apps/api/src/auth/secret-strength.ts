/** RFC 7518 section 3.2: an HS256 key is at least as long as its hash. */
const LEAST_BYTES = 32;
/**
 * Of the characters of a secret, those that nothing before them announces. Of random letters and digits more than 0.44 in
 * 40,000 trials, of sentences and patterns less than 0.35.
 */
const LEAST_SURPRISE = 0.4;

const HOW = 'make one with: openssl rand -base64 48';

/** Texts from tutorials and templates, without punctuation. Too long to occur in a random secret by chance. */
const PLACEHOLDERS = [
  'secret',
  'password',
  'changeme',
  'changethis',
  'changeit',
  'replaceme',
  'replacethis',
  'replacewith',
  'placeholder',
  'generateme',
  'generatewith',
  'opensslrand',
  'yourkey',
  'yourjwt',
  'yoursuper',
  'yourown',
  'yourvery',
  'insecure',
  'donotuse',
  'keyboardcat',
];

/** Digits and signs that stand for letters in `s3cr3t`. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  $: 's',
  '@': 'a',
};

/** What is wrong with a secret that a template left behind; undefined for others. */
export function placeholderProblem(text: string): string | undefined {
  const plain = text.toLowerCase();
  const spelled = plain.replaceAll(/[013457$@]/g, (character) => LOOKALIKES[character] ?? '');
  const isPlaceholder = [plain, spelled].some((spelling) => {
    const letters = spelling.replaceAll(/[^a-z0-9]/g, '');
    return PLACEHOLDERS.some((placeholder) => letters.includes(placeholder));
  });
  return isPlaceholder ? `is a known placeholder; ${HOW}` : undefined;
}

/** Why a secret must not sign tokens, without repeating it; undefined when it may. */
export function weaknessOf(secret: string): string | undefined {
  const bytes = Buffer.byteLength(secret);
  if (bytes < LEAST_BYTES) return `is ${bytes} bytes long; HS256 needs at least ${LEAST_BYTES}`;
  const placeholder = placeholderProblem(secret);
  if (placeholder !== undefined) return placeholder;
  if (isHex(secret) && secret.length < 2 * LEAST_BYTES) {
    return `holds ${secret.length * 4} bits in hexadecimal; HS256 needs ${LEAST_BYTES * 8}; ${HOW}`;
  }
  if (isTextEncoded(secret)) return `is text in another encoding, not random bytes; ${HOW}`;
  return surpriseOf(secret) < LEAST_SURPRISE ? `is not random: words, sequences or repetitions; ${HOW}` : undefined;
}

function isHex(text: string): boolean {
  return /^[\da-f]+$/i.test(text);
}

/** Of 24 or more random bytes, some are no printable characters. */
function isTextEncoded(secret: string): boolean {
  const encoding = isHex(secret) ? 'hex' : /^[\w+/-]+={0,2}$/.test(secret) ? 'base64' : undefined;
  return encoding !== undefined && Buffer.from(secret, encoding).every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** Neighbours in these are no surprise, in either direction. */
const SEQUENCES = [
  'abcdefghijklmnopqrstuvwxyz',
  '0123456789abcdef',
  '1234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
];
/** First letters with the letters that follow them in 93 % of English text; a third of all pairs. */
const WORD_PAIRS = new Set(
  (
    'abcdgilmnprstuvy baeilorsu cacehiklortu dadeiorsu eabcdefgilmnpqrstvwx faefiloru gaehinoru haeiot ' +
    'iabcdefglmnoprstvz keis ladeilostuy maeimopsu nacdefginostuv oabcdgiklmnoprstuvw paehiloprstu qu ' +
    'racdegiklmnorstuy sacehilopstu tacehilorstuy uabcegilmnprst vaei waeio xept yp ze'
  )
    .split(' ')
    .flatMap(([first = '', ...next]) => next.map((second) => first + second)),
);

/**
 * Share of the characters that stand outside of pieces which repeat what came before, follow the alphabet or the keyboard,
 * or look like words. Written by hand: estimators of passwords (zxcvbn) rate any 32 characters as good enough.
 */
function surpriseOf(text: string): number {
  let surprises = 0;
  for (let at = 0; at < text.length; ) {
    const piece = Math.max(repeatedAt(text, at), sequenceAt(text, at), wordAt(text, at));
    if (piece === 0) surprises += 1;
    at += Math.max(piece, 1);
  }
  return surprises / text.length;
}

/** Length of what stands at `at` and stood earlier too; 0 for less than 3 characters. */
function repeatedAt(text: string, at: number): number {
  const earlier = text.slice(0, at);
  let length = 0;
  // What repeats may overlap what it repeats: `aaaa`.
  while (
    at + length < text.length &&
    (earlier + text.slice(at, at + length)).includes(text.slice(at, at + length + 1))
  ) {
    length += 1;
  }
  return length < 3 ? 0 : length;
}

function sequenceAt(text: string, at: number): number {
  const lower = text.toLowerCase();
  let longest = 0;
  for (const sequence of SEQUENCES) {
    for (const step of [1, -1]) {
      let length = 1;
      let place = sequence.indexOf(lower.charAt(at));
      while (place >= 0 && at + length < text.length && sequence[place + step] === lower[at + length]) {
        place += step;
        length += 1;
      }
      longest = Math.max(longest, length);
    }
  }
  return longest < 3 ? 0 : longest;
}

/** Letters of one case that may follow each other in a word. Hexadecimal digits have such runs without being words. */
function wordAt(text: string, at: number): number {
  if (isHex(text)) return 0;
  const run = /^(?:[A-Z]?[a-z]+|[A-Z]+)/.exec(text.slice(at))?.[0].toLowerCase() ?? '';
  let length = 1;
  while (length < run.length && WORD_PAIRS.has(run.slice(length - 1, length + 1))) length += 1;
  return length < 3 ? 0 : length;
}
