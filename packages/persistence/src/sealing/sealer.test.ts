import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSealer, parseSealingKeys, SealError } from './sealer.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });

it('gives back what it sealed, for any payload', () => {
  const sealer = createSealer([key('a')]);
  fc.assert(
    fc.property(
      fc.record({ to: fc.jsonValue(), data: fc.dictionary(fc.string(), fc.jsonValue()), other: fc.jsonValue() }),
      (payload) => {
        const plain = JSON.parse(JSON.stringify(payload));
        const paths = ['to', 'data.*', 'absent.deep'];
        expect(sealer.open(JSON.parse(JSON.stringify(sealer.seal(plain, paths))), paths)).toEqual(plain);
      },
    ),
  );
});

it('hides the value at the path and leaves its neighbours readable', () => {
  const text = JSON.stringify(createSealer([key('a')]).seal({ to: 'ada@example.com', subject: 'open' }, ['to']));
  expect(text).not.toContain('ada@');
  expect(text).toContain('"subject":"open"');
});

it('opens with every known key and seals with the first', () => {
  const [old, fresh] = [key('old'), key('new')];
  const before = createSealer([old]).seal({ to: 'x' }, ['to']);
  const rotated = createSealer([fresh, old]);
  expect(rotated.open(before, ['to'])).toEqual({ to: 'x' });
  expect(JSON.stringify(rotated.seal({ to: 'x' }, ['to']))).toContain('v1.new.');
  expect(() => createSealer([fresh]).open(before, ['to'])).toThrow(SealError);
});

it('refuses a value that was altered', () => {
  const keys = [key('a')];
  const sealed = createSealer(keys).sealValue('secret') as { $sealed: string };
  const last = sealed.$sealed.at(-2) === 'A' ? 'B' : 'A';
  expect(() =>
    createSealer(keys).openValue({ $sealed: `${sealed.$sealed.slice(0, -2)}${last}${sealed.$sealed.at(-1)}` }),
  ).toThrow(/altered/);
});

it('names a bad entry of the variable without showing it', () => {
  expect(() => parseSealingKeys('a:c2hvcnQ=')).toThrow('the key of entry 1 has 5 bytes instead of 32');
  expect(() => parseSealingKeys(`a:${randomBytes(32).toString('base64')},nonsense`)).toThrow(
    /^entry 2 is not id:base64$/,
  );
});

it('uses no initialization vector twice', () => {
  const sealer = createSealer([key('a')]);
  const sealed = Array.from({ length: 2_000 }, () => (sealer.sealValue('x') as { $sealed: string }).$sealed);
  const vectors = sealed.map((text) =>
    Buffer.from(text.split('.')[2] ?? '', 'base64url')
      .subarray(0, 12)
      .toString('hex'),
  );
  expect(new Set(vectors).size).toBe(2_000);
});
