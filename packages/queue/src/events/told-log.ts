import type { Logger } from '@queue-service/observability';
import type { AttemptEvents } from './publish.ts';

const TOLD = { info: 'info', warn: 'warn', error: 'error', fatal: 'error' } as const;

/**
 * The logger, whose lines also show on the job's event stream: level and text as written in the code. Fields and what is
 * filled into a text may be personal and stay in the log, which masks them.
 */
export function toldLog(log: Logger, events: AttemptEvents): Logger {
  const told: Record<string, unknown> = {
    child: (bindings: object) => toldLog(log.child(bindings) as Logger, events),
  };
  for (const [method, level] of Object.entries(TOLD) as [keyof typeof TOLD, 'info' | 'warn' | 'error'][]) {
    told[method] = (...args: unknown[]) => {
      const message = args.find((arg) => typeof arg === 'string');
      if (typeof message === 'string') events.log(level, message);
      Reflect.apply(log[method], log, args);
    };
  }
  return new Proxy(log, {
    get: (target, name, receiver) =>
      typeof name === 'string' && name in told ? told[name] : Reflect.get(target, name, receiver),
  });
}
