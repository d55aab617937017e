import { createRequire } from 'node:module';
import { pino } from 'pino';

/** A place for log lines that can say when it has written them. */
export interface LogSink {
  write(line: string): void;
  /** Calls back once everything given to `write` so far is written. */
  flush(done: (error?: Error) => void): void;
}

/** An open log file. */
export interface LogFile extends LogSink {
  close(): Promise<void>;
}

/** When a new file is begun besides daily, as pino-roll writes sizes, and how many former ones are kept. */
interface Rotation {
  size: string;
  keep: number;
}

const usual: Rotation = { size: '100m', keep: 7 };

const OPTIONS = {
  frequency: 'daily',
  mkdir: true,
  // In the worker thread, where it blocks nobody: otherwise a flush is acknowledged before the lines are in the file.
  sync: true,
};

/**
 * Opens a log file that is rotated: a new one a day or each 100 MB, the last seven are kept. `path` gets the number of the rotation before its extension: `queue.log` is written as `queue.1.log`.
 *
 * Written by a worker thread; lines still under way when the process exits are written before it ends. A file that cannot
 * be written, now or later, is reported to `onError` and stops nothing: a full disk must not stop payments.
 */
export function openLogFile(path: string, onError: (error: Error) => void, rotation = usual): LogFile {
  // As an absolute path, because pino would look for the package from the caller's folder, where it is not installed.
  const target = createRequire(import.meta.url).resolve('pino-roll');
  const thread = pino.transport({
    target,
    options: {
      ...OPTIONS,
      file: path,
      size: rotation.size,
      limit: { count: rotation.keep, removeOtherLogFiles: true },
    },
  });
  let usable = true;
  thread.on('error', (error: Error) => {
    if (usable) onError(error);
    usable = false;
  });
  return {
    write: (line) => {
      if (usable) thread.write(line);
    },
    flush: (done) => {
      if (usable) thread.flush(done);
      else done();
    },
    close: async () => {
      if (!usable) return;
      usable = false;
      const closed = new Promise<void>((resolve) => thread.once('close', () => resolve()));
      thread.end();
      await closed;
    },
  };
}
