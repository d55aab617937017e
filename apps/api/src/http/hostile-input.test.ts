import { expect, test } from 'vitest';
import { hostileParts } from './hostile-input.ts';

const limits = { depth: 5, members: 10 };
const codes = (json: string) => hostileParts(JSON.parse(json), limits).map(({ path, code }) => `${path} ${code}`);

test.each([
  ['plain data', '{"a":[1,"two",null,{"b":false}]}'],
  [
    'SQL, tags and templates, which are data as any other',
    '{"a":"\'; DROP TABLE jobs; --","b":"<script>{{x}}</script>"}',
  ],
  ['a field that is called constructor', '{"constructor":"Ferrari"}'],
  ['a field that is called prototype', '{"prototype":{"a":1}}'],
  ['emoji', '{"a":"🎟️"}'],
])('%s pass', (_what, json) => {
  expect(codes(json)).toEqual([]);
});

test.each([
  ['a key __proto__', '{"a":{"__proto__":{"x":1}}}', ['a.__proto__ forbidden_key']],
  ['a path through constructor', '{"constructor":{"prototype":{"x":1}}}', ['constructor forbidden_key']],
  ['NUL in a text', '{"a":["x\\u0000"]}', ['a.0 invalid_text']],
  ['NUL in a key', '{"a":{"x\\u0000":1}}', ['a invalid_text']],
  ['half a surrogate pair', '{"a":"\\ud83d"}', ['a invalid_text']],
  ['a number out of range', '{"a":1e999}', ['a invalid_number']],
  ['too deep nesting', '[[[[[[1]]]]]]', ['0.0.0.0.0 too_deep']],
  ['too many elements', '[1,1,1,1,1,1,1,1,1,1,1]', [' too_many_members']],
])('%s is named', (_what, json, problems) => {
  expect(codes(json)).toEqual(problems);
});

test('everything bad is listed', () => {
  expect(codes('{"__proto__":1,"b":"\\u0000","c":{"__proto__":2}}').sort()).toEqual([
    '__proto__ forbidden_key',
    'b invalid_text',
    'c.__proto__ forbidden_key',
  ]);
});

test('nesting deeper than any stack is refused and not followed', () => {
  const deep = `${'['.repeat(400_000)}${']'.repeat(400_000)}`;
  expect(hostileParts(JSON.parse(deep), { depth: 32, members: 1_000_000 })).toMatchObject([{ code: 'too_deep' }]);
});
