import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { AddressPolicy } from './address-policy.ts';

export interface EndpointRules {
  readonly policy: AddressPolicy;
  /** Plain http:// as well; for development and tests. */
  readonly allowHttp: boolean;
}

/** The URL where it may be called as far as its text says, or what is wrong with it. */
export function parseEndpointUrl(text: string, { allowHttp }: Pick<EndpointRules, 'allowHttp'>): URL | string {
  const url = URL.parse(text);
  if (url === null || !(url.protocol === 'https:' || (allowHttp && url.protocol === 'http:'))) {
    return `The address is not ${allowHttp ? 'an http:// or https://' : 'an https://'} URL`;
  }
  if (url.username !== '' || url.password !== '') return 'The address holds credentials';
  return url;
}

/** @returns all addresses of a name */
export type Lookup = (host: string) => Promise<readonly string[]>;

const lookUp: Lookup = async (host) => (await systemLookup(host, { all: true })).map(({ address }) => address);

/** Longer than any resolver that is well; the asker waits. */
const lookupMs = 3_000;

/**
 * What is wrong with an address that a tenant wants to be called at, null when nothing is. A name that does not resolve
 * now is let pass: each call checks the very address it connects to, so this is for telling the tenant early.
 */
export async function endpointUrlProblem(
  text: string,
  rules: EndpointRules,
  lookup: Lookup = lookUp,
): Promise<string | null> {
  const url = parseEndpointUrl(text, rules);
  if (typeof url === 'string') return url;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? await resolved(host, lookup) : [host];
  return addresses.every((address) => rules.policy.allows(address)) ? null : 'The address is not a public one';
}

async function resolved(host: string, lookup: Lookup): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), lookupMs);
  });
  try {
    return await Promise.race([lookup(host), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}
