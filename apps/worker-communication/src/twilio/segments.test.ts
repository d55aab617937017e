import { expect, test } from 'vitest';
import { countSegments } from './segments.ts';

test.each([
  ['160 characters of GSM-7', 'a'.repeat(160), 1],
  ['one more', 'a'.repeat(161), 2],
  ['306 characters, two parts of 153', 'a'.repeat(306), 2],
  ['80 euro signs, two septets each', '€'.repeat(80), 1],
  ['81 euro signs', '€'.repeat(81), 2],
  ['70 characters of UCS-2', 'ж'.repeat(70), 1],
  ['71 of them', 'ж'.repeat(71), 2],
  ['one emoji turns 160 characters into UCS-2', `${'a'.repeat(158)}🎫`, 3],
])('%s', (_name, body, segments) => {
  expect(countSegments(body)).toBe(segments);
});
