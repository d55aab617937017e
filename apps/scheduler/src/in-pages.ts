const pageSize = 1_000;

/**
 * Reads page after page, each from the last row of the one before, and hands each on. Answers how many rows there were.
 * @param from before the first row
 */
export async function inPages<Position, Row extends Position>(
  signal: AbortSignal,
  from: Position,
  read: (after: Position, limit: number) => Promise<Row[]>,
  handOn: (rows: Row[]) => Promise<unknown>,
): Promise<number> {
  let count = 0;
  for (let after: Position | undefined = from; after !== undefined && !signal.aborted; ) {
    const rows: Row[] = await read(after, pageSize);
    await handOn(rows);
    count += rows.length;
    after = rows.length < pageSize ? undefined : rows.at(-1);
  }
  return count;
}
