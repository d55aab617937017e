import { badParameter } from './errors.ts';
import { list } from './lists.ts';
import type { Book } from './state.ts';
import type { World } from './world.ts';

type Json = { [key: string]: unknown };

/** An object as it is sent: a copy, with its sublists, and with what `expand` asked for in place of ids. */
export function render(world: World, book: Book, value: unknown, expand: readonly string[] = []): unknown {
  const copy = withSublists(book, structuredClone(value) as Json);
  for (const path of expand) expandPath(world, book, copy, path.split('.'), path);
  return copy;
}

function withSublists(book: Book, value: Json): Json {
  if (Array.isArray(value['data'])) value['data'] = value['data'].map((item) => withSublists(book, item as Json));
  if (value['object'] === 'transfer') {
    const url = `/v1/transfers/${value['id']}/reversals`;
    const reversals = book.all('transfer_reversal').filter((row) => row.transfer === value['id']);
    value['reversals'] = list(structuredClone(reversals).toReversed(), false, url);
  }
  if (value['object'] === 'application_fee')
    value['refunds'] = list([], false, `/v1/application_fees/${value['id']}/refunds`);
  return value;
}

function expandPath(world: World, book: Book, target: unknown, path: string[], whole: string): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (Array.isArray(target)) {
    for (const item of target) expandPath(world, book, item, path, whole);
    return;
  }
  if (typeof target !== 'object' || target === null) return;
  const object = target as Json;
  if (head === 'refunds' && object['object'] === 'charge') {
    const refunds = book.all('refund').filter((row) => row.charge === object['id']);
    object['refunds'] ??= list(structuredClone(refunds).toReversed(), false, `/v1/charges/${object['id']}/refunds`);
  }
  if (!(head in object)) throw badParameter(`This property cannot be expanded (${whole}).`, 'expand');
  const value = object[head];
  if (typeof value === 'string') object[head] = lookUp(world, book, value, whole);
  expandPath(world, book, object[head], rest, whole);
}

function lookUp(world: World, book: Book, id: string, whole: string): unknown {
  // A transfer's destination payment lives in the connected account.
  const row =
    world.state.accounts.get(id)?.account ??
    book.find(id) ??
    [...world.state.books.values()].map((other) => other.find(id)).find((found) => found !== undefined);
  if (!row) throw badParameter(`This property cannot be expanded (${whole}).`, 'expand');
  return withSublists(book, structuredClone(row) as unknown as Json);
}
