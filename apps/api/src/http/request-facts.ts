import type { ServerResponse } from 'node:http';
import type { Principal } from '../auth/principal.ts';

/** What becomes known of a request on its way, for its log line and its metrics. */
export interface RequestFacts {
  /** Template of the route (`/api/v1/queue/jobs/:id`), once one has matched. */
  route?: string;
  principal?: Principal;
  tenantId?: string;
}

/** By response, because Express's own `locals` have no types. */
export class FactsOfRequests {
  readonly #facts = new WeakMap<ServerResponse, RequestFacts>();

  of(res: ServerResponse): RequestFacts {
    const known = this.#facts.get(res);
    if (known !== undefined) return known;
    const facts: RequestFacts = {};
    this.#facts.set(res, facts);
    return facts;
  }
}
