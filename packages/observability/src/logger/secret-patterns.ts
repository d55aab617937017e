export interface MaskRule {
  readonly pattern: RegExp;
  /** One of these is in whatever the pattern matches, in lower case: a text without them need not be searched. */
  readonly hints: readonly string[];
  /** What a match is replaced by: a text in which `$1` … are the match's groups. */
  readonly replacement: string;
}

const SECRET_NAME =
  '(?:authorization|cookie|password|passwd|secret|token|credentials?|(?:api|secret|private|signing|access|write|routing)[-_]?key)';
const SECRET_NAME_HINTS = ['authorization', 'cookie', 'passw', 'secret', 'token', 'credential', 'key'];

/**
 * Rules for one serialized log line (or any text). No rule matches a bare double quote inside a value, so a line of JSON stays
 * JSON. All repetition is bounded or starts at a rare literal: a line is a few hundred kilobytes at worst, and a
 * quadratic rule would stop the process for seconds.
 */
export const MASK_RULES: readonly MaskRule[] = [
  // PEM keys; in JSON their line ends are the two characters \n.
  {
    pattern: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
    hints: ['-----begin '],
    replacement: '[secret]',
  },
  // scheme://user:password@host, any scheme, with or without the user.
  {
    pattern: /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"\\]{0,200}:)(?:[^\s"\\]|\\["\\/]){1,500}@/gi,
    hints: ['://'],
    replacement: '$1[secret]@',
  },
  // "password":"…" at any depth, as a string, then as a list of strings, then inside text that holds JSON itself.
  {
    pattern: new RegExp(`("[\\w-]{0,40}${SECRET_NAME}"\\s*:\\s*)"(?:[^"\\\\]|\\\\.)*"`, 'gi'),
    hints: SECRET_NAME_HINTS,
    replacement: '$1"[secret]"',
  },
  {
    pattern: new RegExp(`("[\\w-]{0,40}${SECRET_NAME}"\\s*:\\s*)\\[(?:"(?:[^"\\\\]|\\\\.)*",?)*\\]`, 'gi'),
    hints: SECRET_NAME_HINTS,
    replacement: '$1"[secret]"',
  },
  {
    pattern: new RegExp(`(\\\\"[\\w-]{0,40}${SECRET_NAME}\\\\"\\s*:\\s*\\\\")[^"\\\\]*`, 'gi'),
    hints: SECRET_NAME_HINTS,
    replacement: '$1[secret]',
  },
  // password=…, ?api-key=…
  {
    pattern: new RegExp(`\\b([\\w-]{0,40}?${SECRET_NAME}=)[^\\s"'&;,\\\\]+`, 'gi'),
    hints: SECRET_NAME_HINTS,
    replacement: '$1[secret]',
  },
  { pattern: /\b(Bearer\s+)[\w.~+/=-]{8,}/gi, hints: ['bearer'], replacement: '$1[secret]' },
  { pattern: /\b(Basic\s+)[A-Za-z0-9+/=]{16,}/g, hints: ['basic'], replacement: '$1[secret]' },
  // JSON Web Tokens without a scheme before them.
  { pattern: /\beyJ[\w-]{8,}\.[\w-]+\.?[\w-]*/g, hints: ['eyj'], replacement: '[secret]' },
  // Stripe and Standard Webhooks; https://docs.stripe.com/keys#obtain-api-keys
  {
    pattern: /\b((?:sk|rk)_(?:live|test)_|whsec_)[\w+/=]+/g,
    hints: ['sk_', 'rk_', 'whsec_'],
    replacement: '$1[secret]',
  },
  // SendGrid, Twilio API keys, Slack webhooks, AWS access keys
  { pattern: /\bSG\.[\w-]{6,}(?:\.[\w-]+)?/g, hints: ['sg.'], replacement: 'SG.[secret]' },
  { pattern: /\bSK[0-9a-f]{32}\b/g, hints: ['sk'], replacement: 'SK[secret]' },
  { pattern: /(hooks\.slack\.com\/services\/)[\w/]+/g, hints: ['hooks.slack.com/'], replacement: '$1[secret]' },
  { pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, hints: ['akia', 'asia'], replacement: '[secret]' },
  // A Solana key pair as its 64 bytes, as an array and as a serialized Uint8Array.
  { pattern: /\[(?:\s*\d{1,3}\s*,){63}\s*\d{1,3}\s*\]/g, hints: ['['], replacement: '"[secret]"' },
  { pattern: /\{"0":\d{1,3}(?:,"\d{1,4}":\d{1,3}){31,}\}/g, hints: ['{"0":'], replacement: '"[bytes]"' },
  // Personal data that providers quote in their error messages, so that no path can name it.
  // A top-level domain of letters, or `bullmq@6.7.0` in the paths of a stack trace would count.
  {
    pattern: /(?<![\w.+-])[\w.+-]{1,64}(?:@|%40)(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b/gi,
    hints: ['@', '%40'],
    replacement: '[email]',
  },
  { pattern: /(?<![\w/])(?:\+|%2B)[1-9]\d{7,14}(?!\d)/gi, hints: ['+', '%2b'], replacement: '[phone]' },
];
