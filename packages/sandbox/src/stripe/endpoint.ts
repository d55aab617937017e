import type { Params } from './params.ts';
import type { Book } from './state.ts';
import type { World } from './world.ts';

/** One request to one endpoint, parsed. */
export interface Call {
  world: World;
  /** The account that the request is about. */
  book: Book;
  params: Params;
  /** The `:id` of the path. */
  id: string;
  /** The path without the query, for list URLs. */
  path: string;
}

/** One endpoint of the API: what it accepts and what it does. Returns the object to send. */
export interface Endpoint {
  method: 'get' | 'post' | 'delete';
  path: string;
  params: readonly string[];
  run(call: Call): unknown;
}
