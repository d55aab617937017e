import { expect, test } from 'vitest';
import { LabelBounds } from './label-bounds.ts';

test('a label with known values takes no other', () => {
  const bounds = new LabelBounds({ queue: ['money'] });
  expect(bounds.bind({ queue: 'money' })).toEqual({ queue: 'money' });
  expect(bounds.bind({ queue: 'monye' })).toEqual({ queue: 'other' });
});

test('an open label keeps its first values and counts the rest as other', () => {
  const bounds = new LabelBounds();
  const bound = Array.from({ length: 1_000 }, (_, index) => bounds.bind({ code: `code_${index}` }).code);
  expect(new Set(bound).size).toBe(151);
  expect(bounds.bind({ code: 'code_0' })).toEqual({ code: 'code_0' });
  expect(bounds.bind({ code: 'code_999' })).toEqual({ code: 'other' });
});

test('labels are bounded apart from each other', () => {
  const bounds = new LabelBounds();
  for (let index = 0; index < 1_000; index++) bounds.bind({ code: `code_${index}` });
  expect(bounds.bind({ code: 'late', provider: 'stripe' })).toEqual({ code: 'other', provider: 'stripe' });
});

test('a value that is a text and not a code is not kept', () => {
  expect(new LabelBounds().bind({ code: 'x'.repeat(101) })).toEqual({ code: 'other' });
});
