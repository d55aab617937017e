/** A place in a list that is ordered by creation, newest first, ties broken by id. */
export interface Position {
  /** ISO 8601 with milliseconds. */
  readonly createdAt: string;
  readonly id: string;
}

export interface PageRequest {
  readonly limit: number;
  /** The last item that the asker has; null for the first page. */
  readonly after: Position | null;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page starts; null on the last one. */
  readonly next: Position | null;
}

/** A page from one row more than it holds: that row only says that there is a next page. */
export function pageOf<Row extends { id: string; createdAt: Date }, Item>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(item),
    next: rows.length > limit && last !== undefined ? { createdAt: last.createdAt.toISOString(), id: last.id } : null,
  };
}
