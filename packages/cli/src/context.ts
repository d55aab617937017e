import { createQueueClient, type QueueClient } from '@queue-service/client';
import { UsageError } from './exit-codes.ts';

export interface Environment {
  readonly QUEUE_URL?: string | undefined;
  readonly QUEUE_TOKEN?: string | undefined;
  readonly JWT_SECRET?: string | undefined;
}

/** What a command may touch. */
export interface Context {
  readonly env: Environment;
  readonly print: (text: string) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

const LOCAL_URL = 'http://localhost:3011';

/** Where the API is, without a slash at the end. @throws UsageError without a token */
export function target(env: Environment): { baseUrl: string; token: string } {
  if (!env.QUEUE_TOKEN) throw new UsageError('QUEUE_TOKEN is not set; for development: queuectl token --help');
  const baseUrl = (env.QUEUE_URL || LOCAL_URL).replace(/\/+$/, '');
  if (!URL.canParse(baseUrl)) throw new UsageError('QUEUE_URL is not a URL such as http://localhost:3011');
  return { baseUrl, token: env.QUEUE_TOKEN };
}

/** A person waits at the terminal: few tries, and no long patience. */
export function clientOf(env: Environment): QueueClient {
  return createQueueClient({ ...target(env), maxTries: 3, maxRetryAfterMs: 5_000 });
}

/** The answer as it came, for scripts. */
export function printJson(context: Context, value: unknown): void {
  context.print(JSON.stringify(value, null, 2));
}

/** @throws UsageError naming the option */
export function parseJsonObject(option: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${option} is not valid JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${option} is not a JSON object`);
  }
  return value as Record<string, unknown>;
}

/** @throws UsageError naming the option */
export function parseInteger(option: string): (text: string) => number {
  return (text) => {
    if (!/^\d{1,12}$/.test(text)) throw new UsageError(`${option} is not a whole number`);
    return Number(text);
  };
}
