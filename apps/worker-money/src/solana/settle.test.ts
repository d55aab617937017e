import { expect, test } from 'vitest';
import type { NodeView } from './chain-watch.ts';
import { judge } from './settle.ts';

const transaction = { signature: 's', lastValidBlockHeight: 100, wire: '', completes: true };
const status = (confirmationStatus: 'processed' | 'confirmed' | 'finalized', err: null | string = null) => ({
  slot: 5,
  confirmations: 1,
  err,
  confirmationStatus,
});
const unknown = (finalizedHeight: number): NodeView => ({ finalizedHeight, status: null });
const verdict = (views: NodeView[], { history = true, majority = 2 } = {}) =>
  judge({ views, history }, transaction, majority);

test('confirmed by one node is confirmed, whatever others do not know', () => {
  expect(verdict([unknown(500), { finalizedHeight: 90, status: status('confirmed') }, unknown(500)])).toEqual({
    kind: 'confirmed',
    slot: 5,
  });
  expect(verdict([{ finalizedHeight: 90, status: status('finalized') }])).toEqual({ kind: 'confirmed', slot: 5 });
});

test('failed in a confirmed block is failed', () => {
  expect(verdict([{ finalizedHeight: 90, status: status('confirmed', 'x') }])).toEqual({
    kind: 'failed',
    slot: 5,
    error: 'x',
  });
});

test('processed decides nothing, neither success nor failure nor expiry', () => {
  expect(verdict([{ finalizedHeight: 90, status: status('processed') }])).toBeUndefined();
  expect(verdict([{ finalizedHeight: 90, status: status('processed', 'x') }])).toBeUndefined();
  expect(verdict([unknown(101), unknown(101), { finalizedHeight: 101, status: status('processed') }])).toBeUndefined();
});

test('expired is what a majority of all nodes is past, and none has in its history', () => {
  expect(verdict([unknown(101), unknown(101), unknown(0)])).toEqual({ kind: 'expired' });
  expect(verdict([unknown(101), unknown(100), unknown(0)])).toBeUndefined();
  expect(verdict([unknown(101)])).toBeUndefined();
  expect(verdict([unknown(101), unknown(101)], { history: false })).toBeUndefined();
  expect(verdict([])).toBeUndefined();
});
