import { createQueueClient, type QueueClient, type QueueName, queueNames } from '@queue-service/client';
import { UsageError } from './exit-codes.ts';

export interface Environment {
  readonly QUEUE_URL?: string | undefined;
  readonly QUEUE_TOKEN?: string | undefined;
  readonly JWT_SECRET?: string | undefined;
}

/** What a command may touch. */
export interface Context {
  readonly env: Environment;
  /** The answer, on the standard output. */
  readonly print: (text: string) => void;
  /** What is being done, beside the answer. */
  readonly tell: (text: string) => void;
  /** Who sits at the terminal; undefined in a script or a pipe. */
  readonly person: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream } | undefined;
  /** Ends the process with this code once the command is done. */
  readonly fail: (code: number) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

const LOCAL_URL = 'http://localhost:3011';

/** Where the API is, without a slash at the end. @throws UsageError without a token */
function target(env: Environment): { baseUrl: string; token: string } {
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

const largestPage = 100;

/** The first `limit` things of a list of the API, which gives them by pages, and whether there are more. */
export async function upTo<Item>(
  limit: number,
  load: (page: { limit: number; cursor?: string }) => Promise<{ items: readonly Item[]; nextCursor: string | null }>,
): Promise<{ items: Item[]; more: boolean }> {
  const found: Item[] = [];
  let cursor: string | undefined;
  do {
    const asked = Math.min(limit - found.length, largestPage);
    const { items, nextCursor } = await load({ limit: asked, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...items);
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  return { items: found, more: cursor !== undefined };
}

/** Beside a list that is not whole. */
export function tellOfMore(context: Context, more: boolean): void {
  if (more) context.tell('There are more: raise --limit or narrow the filter');
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

/** An instant, or a time ago such as `24h` or `7d`. @throws UsageError naming the option */
export function parseTime(option: string, now: () => number = Date.now): (text: string) => string {
  const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
  return (text) => {
    const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
    const at = count === undefined ? Date.parse(text) : now() - Number(count) * (unitMs[unit ?? ''] ?? 0);
    if (Number.isNaN(at))
      throw new UsageError(`${option} is neither an instant (2026-01-31T00:00Z) nor a time ago (24h, 7d)`);
    return new Date(at).toISOString();
  };
}

/** @throws UsageError naming the queue */
export function parseQueue(text: string): QueueName {
  const queue = queueNames.find((name) => name === text);
  if (queue === undefined) throw new UsageError(`${text} is not a queue: ${queueNames.join(', ')}`);
  return queue;
}

/** @throws UsageError naming the option */
export function parseInteger(option: string): (text: string) => number {
  return (text) => {
    if (!/^\d{1,12}$/.test(text)) throw new UsageError(`${option} is not a whole number`);
    return Number(text);
  };
}
