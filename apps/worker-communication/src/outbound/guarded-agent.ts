import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { type AddressPolicy, AddressRefusedError } from '@queue-service/outbound';
import { Agent, buildConnector } from 'undici';

export interface GuardedAgentOptions {
  policy: AddressPolicy;
  connectTimeoutMs: number;
  /** How names are resolved; the system's resolver where not given. */
  lookup?: LookupFunction;
}

/**
 * An undici dispatcher that connects only to addresses of the policy. The check is made on the very addresses the
 * socket is given, after DNS, so a name that answers differently the second time (DNS rebinding) gains nothing. Redirects
 * are not followed by undici's `request`. Whoever creates it closes it.
 *
 * A refused connection fails with `AddressRefusedError` (possibly as the `cause`).
 */
export function createGuardedAgent({
  policy,
  connectTimeoutMs,
  lookup = systemLookup as LookupFunction,
}: GuardedAgentOptions): Agent {
  const connect = buildConnector({ timeout: connectTimeoutMs, lookup: guardedLookup(policy, lookup) });
  return new Agent({
    connect(options, callback) {
      // A socket asks no lookup for an address that stands in the URL itself.
      const host = options.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && !policy.allows(host)) callback(refusal(), null);
      else connect(options, callback);
    },
  });
}

function guardedLookup(policy: AddressPolicy, lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const [first] = addresses;
      // One bad address among good ones is no accident: the whole name is refused.
      if (first === undefined || !addresses.every(({ address }) => policy.allows(address)))
        return callback(refusal(), '', 0);
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function refusal(): AddressRefusedError {
  return new AddressRefusedError('the host is not a public address');
}
