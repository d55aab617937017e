import type { EventEmitter } from 'node:events';

/** A second signal within this time is the same Ctrl-C, which a terminal and npm both pass on. */
const SAME_SIGNAL_MS = 1_000;

/** The signals that end `npm start`. `stopped` resolves at the first; at a later one `force` is called. */
export function untilToldToStop(target: EventEmitter, force: () => void): { stopped: Promise<void>; dispose(): void } {
  const first = Promise.withResolvers<void>();
  let since: number | undefined;
  const heard = () => {
    const now = performance.now();
    if (since === undefined) {
      since = now;
      first.resolve();
    } else if (now - since > SAME_SIGNAL_MS) force();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) target.on(signal, heard);
  return {
    stopped: first.promise,
    dispose() {
      for (const signal of signals) target.off(signal, heard);
    },
  };
}
