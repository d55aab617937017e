import { inspect } from 'node:util';

const PRINTED = '[secret]';

/**
 * A configured value that must not be printed. Every way by which a value usually ends up in a log, an error or a
 * debugger (`String()`, templates, JSON, `console.log`, `util.inspect`) gives `[secret]`; only {@link reveal} gives the value,
 * so a search for `.reveal(` finds every place where a secret leaves.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it where the value is handed to the library that needs it, and nowhere earlier. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [inspect.custom](): string {
    return PRINTED;
  }
}

/**
 * All secrets of a parsed configuration, wherever they are nested. Meant for `createLogger({ secrets })`, which masks
 * these exact values even where no pattern would recognise them.
 */
export function secretsIn(config: unknown): Secret[] {
  if (config instanceof Secret) return [config];
  if (typeof config !== 'object' || config === null) return [];
  return Object.values(config).flatMap(secretsIn);
}
