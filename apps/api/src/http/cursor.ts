import { instantSchema } from '@queue-service/contracts';
import { z } from 'zod';
import type { Page, PageRequest, Position } from '../ports.ts';
import { Problem } from './problem.ts';

const positionSchema = z.strictObject({ createdAt: instantSchema, id: z.uuid() });

/** @throws Problem `invalid_cursor` */
export function pageRequest(query: { limit: number; cursor?: string | undefined }): PageRequest {
  return { limit: query.limit, after: query.cursor === undefined ? null : decodeCursor(query.cursor) };
}

/** Text for {@link pageRequest} to continue a list from. Holds no secret: what may be seen is decided at each request. */
export function nextCursor(page: Page<unknown>): string | null {
  return page.next === null ? null : Buffer.from(JSON.stringify(page.next)).toString('base64url');
}

function decodeCursor(cursor: string): Position {
  const parsed = positionSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  if (!parsed.success) throw new Problem('invalid_cursor');
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
