import { z } from 'zod';

/** A whole number as a query has it: digits only, where coercion would also take `1e1` and nothing at all. */
export function countQuerySchema(range: { min: number; max: number }): z.ZodType<number, string | number> {
  const { min, max } = range;
  const read = (text: unknown) => (typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : text);
  // The transformation hides from the documentation what it asks for.
  const shown = { type: 'integer', minimum: min, maximum: max };
  return z.preprocess(read, z.int().min(min).max(max)).meta(shown) as z.ZodType<number, string | number>;
}

/** The query parameters of every list. */
export const pageQuery = {
  limit: countQuerySchema({ min: 1, max: 100 }).default(20),
  cursor: z.string().max(500).optional().describe('`nextCursor` of the page before'),
};

/** Of a list without filters. */
export const pageQuerySchema = z.strictObject(pageQuery);

export const nextCursorSchema = z.string().nullable().describe('`cursor` of the next page; null on the last one');

/** A moment that PostgreSQL and every calendar can hold, where ISO 8601 would also take the year 0. */
export const instantSchema = z.iso
  .datetime({ offset: true, abort: true })
  .refine((text) => /^(?:19[7-9]\d|2\d{3})-/.test(text), { error: 'must be between the years 1970 and 2999' });

export const instantQuerySchema = instantSchema.transform((text) => new Date(text));

/** The query parameters by which lists are bounded in time. */
export const createdQuery = {
  from: instantQuerySchema.optional().describe('Created at or after'),
  to: instantQuerySchema.optional().describe('Created before'),
};
