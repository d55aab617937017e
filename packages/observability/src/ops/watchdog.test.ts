import { expect, test } from 'vitest';
import { allAlive, createWatchdog } from './watchdog.ts';

test('a loop that beats is alive, one that falls silent is not, and it may recover', () => {
  let nowMs = 0;
  const watchdog = createWatchdog({ name: 'relay', maxSilenceMs: 30_000, nowMs: () => nowMs });
  nowMs = 30_000;
  expect(watchdog.liveness()).toEqual({ alive: true });
  nowMs = 31_000;
  expect(watchdog.liveness()).toEqual({ alive: false, detail: 'relay has made no progress for 31 s' });
  watchdog.beat();
  expect(watchdog.liveness()).toEqual({ alive: true });
});

test('a process is alive while all its parts are', () => {
  const dead = { alive: false, detail: 'schedules' };
  expect(allAlive()()).toEqual({ alive: true });
  expect(allAlive(() => ({ alive: true }))()).toEqual({ alive: true });
  expect(
    allAlive(
      () => ({ alive: true }),
      () => dead,
    )(),
  ).toEqual(dead);
});
