import { onTestFinished, vi } from 'vitest';

/** Lets time pass for all that asks `Date` (the circuits do), until the end of the calling test; timers are left alone. */
export function moveClock(ms: number): void {
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + ms);
}
