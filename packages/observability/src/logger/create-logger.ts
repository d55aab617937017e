import { type Logger as PinoLogger, pino } from 'pino';
import type { LOG_LEVELS } from '../config/fragments.ts';
import type { Secret } from '../config/secret.ts';
import { activeTraceFields } from '../tracing/trace-context.ts';
import { type LogSink, openLogFile } from './log-file.ts';
import { createMask } from './mask.ts';
import { printable } from './printable.ts';
import { REDACTED, redactPaths } from './redact-paths.ts';
import { serializeError } from './serialize-error.ts';

/** The logger of this house: pino's, so libraries that take a pino logger take it. */
export type Logger = PinoLogger;

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Name of the process, e.g. `worker-money`; in every line. */
  readonly service: string;
  readonly level: LogLevel;
  /** Path of a rotated log file, in addition to standard output (see `openLogFile`). */
  readonly file?: string | undefined;
  /** Personal fields of payloads, as paths inside a payload; they are blanked wherever a payload is logged. */
  readonly redactPaths?: readonly string[] | undefined;
  /** The process's own secrets, masked by value (see `secretsIn`). */
  readonly secrets?: readonly Secret[] | undefined;
  /** Where lines go instead of standard output. */
  readonly destination?: { write(line: string): void } | undefined;
}

/**
 * A logger that writes one JSON object a line, with ISO time, the level's name and, inside a trace, `trace_id` and `span_id`.
 *
 * Three nets keep secrets and personal data out, each of them for what the one before cannot see: fields are blanked by
 * path; errors are reduced to what is safe to print; the finished line is searched for what looks like a secret.
 * Give one job's or request's lines their ids by `log.child({ jobId, requestId, traceId })`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const mask = createMask(options.secrets);
  const paths = redactPaths(options.redactPaths ?? []);
  const log = pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }), bindings: printable, log: printable },
      serializers: { err: serializeError },
      redact: { paths, censor: REDACTED },
      mixin: activeTraceFields,
      hooks: { streamWrite: mask },
    },
    sinkFor(options, mask),
  );
  sparePlainValues(log, paths);
  return log;
}

const plain = new Set(['string', 'number', 'boolean']);

/**
 * Pino searches each value of a line for all paths that begin with a wildcard, also a number, a text or null, which can
 * hold nothing: two thirds of what a line costs. Those that a path names themselves are still blanked.
 */
function sparePlainValues(log: Logger, paths: readonly string[]): void {
  const stringifiers = (log as unknown as Record<symbol, Record<string | symbol, (value: unknown) => string>>)[
    pino.symbols.stringifiersSym
  ];
  if (stringifiers === undefined) return;
  const blanked = new Set<string | symbol>(paths);
  for (const name of Reflect.ownKeys(stringifiers)) {
    const search = stringifiers[name];
    if (search === undefined || blanked.has(name) || name === pino.symbols.redactFmtSym) continue;
    stringifiers[name] = (value) => (value === null || plain.has(typeof value) ? JSON.stringify(value) : search(value));
  }
}

/** Resolves when every line logged so far is written. For the end of a process. */
export function flushLogger(log: Logger): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}

function sinkFor(options: LoggerOptions, mask: (text: string) => string): { write(line: string): void } | LogSink {
  // Synchronous, so that the last words before a crash are not lost.
  const output = options.destination ?? pino.destination({ dest: 1, sync: true });
  if (options.file === undefined) return output;
  const file = openLogFile(options.file, (error) => {
    const { service } = options;
    const time = new Date().toISOString();
    const err = serializeError(error);
    const line = { level: 'error', time, service, pid: process.pid, err, msg: 'The log file cannot be written' };
    output.write(mask(`${JSON.stringify(line)}\n`));
  });
  return {
    write: (line) => {
      output.write(line);
      file.write(line);
    },
    flush: (done) => file.flush(done),
  };
}
