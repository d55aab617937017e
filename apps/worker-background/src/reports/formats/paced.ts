import { setImmediate } from 'node:timers/promises';

/** Waits until the reader of a stream keeps up. Rejects when the stream breaks or the signal aborts. */
export async function paced(output: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  // Libraries that write from callbacks of their own need a turn of the event loop to do so.
  await setImmediate();
  if (!needsDrain(output)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  const closed = () => reject(new Error('the report is not read any more'));
  output.once('drain', resolve).once('error', reject).once('close', closed);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await promise;
  } finally {
    output.off('drain', resolve).off('error', reject).off('close', closed);
    signal.removeEventListener('abort', abort);
  }
}

/** Also of the streams that libraries bring along, which are older than `writableNeedDrain`. */
function needsDrain(output: NodeJS.WritableStream): boolean {
  const { writableNeedDrain, _writableState: state } = output as {
    writableNeedDrain?: boolean;
    _writableState?: { needDrain?: boolean };
  };
  return writableNeedDrain ?? state?.needDrain ?? false;
}
