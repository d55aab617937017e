import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret, secretsIn } from './secret.ts';

const value = 'correct horse battery staple';

test('a secret prints itself nowhere', () => {
  const config = { key: new Secret(value), nested: { list: [new Secret(value)] } };
  const printed = [
    String(config.key),
    `${config.key}`,
    JSON.stringify(config),
    inspect(config, { depth: null, showHidden: true }),
    inspect(config.key),
    Object.values(config.key).join(),
    new Error(`refused ${config.key}`).message,
  ];
  expect(printed.join('\n')).not.toContain('horse');
  expect(JSON.stringify(config.key)).toBe('"[secret]"');
});

test('a secret is revealed only when asked', () => {
  expect(new Secret(value).reveal()).toBe(value);
});

test('secrets are found wherever a configuration nests them', () => {
  const config = { PORT: 1, a: new Secret('one'), b: { c: [new Secret('two'), null, 'text'] }, d: undefined };
  expect(secretsIn(config).map((secret) => secret.reveal())).toEqual(['one', 'two']);
});
