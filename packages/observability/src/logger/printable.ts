import { serializeError } from './serialize-error.ts';

const DEEPEST = 5;

/**
 * The object of a log call with every error in it made printable, and bytes replaced by their number. Without this an error
 * under any other name than `err` would be printed with all its properties. Returns the same object if there is nothing to replace.
 */
export function printable<T extends object>(fields: T): T {
  return replaceIn(fields, 0) as T;
}

function replaceIn(value: unknown, depth: number): unknown {
  if (value instanceof Error) return serializeError(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return value;
  if (Array.isArray(value)) return replaceInList(value, depth);
  return isPlain(value) ? replaceInRecord(value, depth) : value;
}

function replaceInList(list: unknown[], depth: number): unknown[] {
  const replaced = list.map((item) => replaceIn(item, depth + 1));
  return replaced.some((item, index) => item !== list[index]) ? replaced : list;
}

function replaceInRecord(record: object, depth: number): object {
  let copy: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(record)) {
    const replaced = replaceIn(value, depth + 1);
    if (replaced === value) continue;
    copy ??= { ...record };
    copy[key] = replaced;
  }
  return copy ?? record;
}

/** Instances of classes (a request, a connection) print themselves through `toJSON` or a serializer. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
