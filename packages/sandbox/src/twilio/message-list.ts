import type { StoredMessage } from './message.ts';

const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A page of messages, newest first, filtered by `To`, `From`, `DateSent`, `DateSent>` and `DateSent<`. */
export function listMessages(messages: readonly StoredMessage[], query: URLSearchParams, path: string) {
  const size = Math.min(Number(query.get('PageSize') ?? DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE);
  const number = Number(query.get('Page') ?? 0);
  const found = messages.filter((item) => matches(item, query)).toReversed();
  const start = number * size;
  const rows = found.slice(start, start + size);
  const uri = (to: number) => {
    const next = new URLSearchParams(query);
    next.set('PageSize', String(size));
    next.set('Page', String(to));
    if (to > 0) next.set('PageToken', `PA${rows.at(-1)?.message.sid ?? ''}`);
    return `${path}?${next}`;
  };
  return {
    end: start + rows.length - 1,
    first_page_uri: uri(0),
    messages: rows.map((item) => item.message),
    next_page_uri: found.length > start + size ? uri(number + 1) : null,
    page: number,
    page_size: size,
    previous_page_uri: number > 0 ? uri(number - 1) : null,
    start,
    uri: uri(number),
  };
}

function matches({ message, sentAt }: StoredMessage, query: URLSearchParams): boolean {
  const to = query.get('To');
  const from = query.get('From');
  if (to !== null && message.to !== to) return false;
  if (from !== null && message.from !== from) return false;
  const on = query.get('DateSent');
  const after = query.get('DateSent>');
  const before = query.get('DateSent<');
  if (on === null && after === null && before === null) return true;
  // What was not sent yet has no date that a filter could find.
  if (sentAt === null) return false;
  // `2026-08-01` means that day in GMT; `DateSent>=` arrives as the name `DateSent>`.
  if (on !== null && !within(sentAt, on)) return false;
  if (after !== null && sentAt < toSecond(after)) return false;
  return before === null || sentAt < toSecond(before) + (isDay(before) ? DAY_MS : 1000);
}

function within(at: number, day: string): boolean {
  const start = Date.parse(day.slice(0, 10));
  return at >= start && at < start + DAY_MS;
}

function isDay(date: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(date);
}

function toSecond(date: string): number {
  return Math.floor(Date.parse(date) / 1000) * 1000;
}
