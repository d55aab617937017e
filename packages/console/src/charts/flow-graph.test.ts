import type { FlowResource } from '@queue-service/client';
import { expect, it } from 'vitest';
import { flowGraph } from './flow-graph.ts';

function flow(count: number, dependsOn: (index: number) => number[]): FlowResource {
  const step = (index: number) => ({
    ...{ name: `s${index}`, queue: 'money', type: 'nft-mint', status: 'waiting', onFailure: 'fail', attempts: 0 },
    ...{ jobId: null, startedAt: null, finishedAt: null, result: null, error: null, compensation: null },
    dependsOn: dependsOn(index).map((before) => `s${before}`),
  });
  return { steps: Array.from({ length: count }, (_, index) => step(index)) } as unknown as FlowResource;
}

it('draws what can be drawn in no time, and leaves the rest to the table', () => {
  const chain = flow(150, (index) => (index === 0 ? [] : [index - 1]));
  const fan = flow(100, (index) => (index === 0 ? [] : [0]));
  // Sixty steps of 16 kB that each wait for all before them took the heap of a process.
  const everyOne = flow(60, (index) => Array.from({ length: index }, (_, before) => before));
  expect([chain, fan].map((one) => flowGraph(one) !== undefined)).toEqual([true, true]);
  expect([everyOne, flow(151, () => [])].map(flowGraph)).toEqual([undefined, undefined]);
});
