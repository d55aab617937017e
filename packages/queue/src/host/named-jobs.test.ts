import { expect, it } from 'vitest';
import { createNamedJobs, namedJobs } from './named-jobs.ts';

it('shows who was added and not taken out, those that found a place', () => {
  const running = createNamedJobs(2);
  const one = { id: '0198a7f0-0000-7000-8000-000000000001', type: 'payment-process' };
  const two = { id: '0198a7f0-0000-7000-8000-000000000002', type: 'x'.repeat(300) };
  const leave = running.add(one);
  running.add(two);
  const leaveNothing = running.add({ id: 'no-place', type: 'refund-process' });
  const shown = () => namedJobs(running.memory).map(({ id }) => id);
  expect(namedJobs(running.memory)).toContainEqual(one);
  expect(shown().toSorted()).toEqual([one.id, two.id]);
  leaveNothing();
  leave();
  expect(shown()).toEqual([two.id]);
  running.add({ id: 'late', type: 'refund-process' });
  expect(shown().toSorted()).toEqual([two.id, 'late']);
});
