import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { untilToldToStop } from './until-told-to-stop.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('one Ctrl-C that arrives twice stops and does not force', async () => {
  const target = new EventEmitter();
  const force = vi.fn();
  const { stopped } = untilToldToStop(target, force);
  target.emit('SIGINT');
  target.emit('SIGINT');
  await stopped;
  expect(force).not.toHaveBeenCalled();
});

test('a second Ctrl-C, later, forces the end', () => {
  const target = new EventEmitter();
  const force = vi.fn();
  untilToldToStop(target, force);
  target.emit('SIGINT');
  vi.advanceTimersByTime(1_500);
  target.emit('SIGTERM');
  expect(force).toHaveBeenCalledOnce();
});

test('takes its listeners back', () => {
  const target = new EventEmitter();
  untilToldToStop(target, () => undefined).dispose();
  expect(target.eventNames()).toEqual([]);
});
