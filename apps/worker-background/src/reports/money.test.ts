import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decimalsOf, decimalText } from './money.ts';

it.each([
  [123_450n, 'EUR', '1234.50'],
  [5n, 'USD', '0.05'],
  [-5n, 'USD', '-0.05'],
  [-123_456n, 'KWD', '-123.456'],
  [1_000n, 'JPY', '1000'],
  [0n, 'EUR', '0.00'],
])('writes %s of %s as %s', (minor, currency, text) => {
  expect(decimalText({ minor, currency })).toBe(text);
});

it('loses nothing, whatever the size', () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.constantFrom('EUR', 'JPY', 'KWD'), (minor, currency) => {
      const text = decimalText({ minor, currency });
      expect(BigInt(text.replace('.', ''))).toBe(minor);
      expect(text.split('.')[1]?.length ?? 0).toBe(decimalsOf(currency));
    }),
  );
});
