import ipaddr from 'ipaddr.js';

/** Which addresses this fleet may connect to on behalf of a tenant. */
export interface AddressPolicy {
  allows(address: string): boolean;
}

/** The host leads, or its name resolves, to an address that tenants may not reach through this service. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
  readonly code = 'address_refused';
}

/**
 * Azure's platform endpoint lies in a public range, unlike the metadata services of the other clouds, which are
 * link-local, unique-local, carrier-grade NAT or reserved.
 * https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 */
const publicMetadataAddresses = new Set(['168.63.129.16']);

/** `::/96`, deprecated by RFC 4291: some systems still lead it to the IPv4 address in its last 32 bits. */
const ipv4Compatible = ipaddr.IPv6.parseCIDR('::/96');

/**
 * Allows public unicast addresses only: private, loopback, link-local, unique-local, carrier-grade NAT, reserved and
 * metadata addresses are refused, also when they come mapped or translated into IPv6.
 *
 * @param allowed addresses or CIDR ranges that are allowed all the same, for development and tests
 * @throws Error when an entry of `allowed` is neither
 */
export function createAddressPolicy(allowed: readonly string[] = []): AddressPolicy {
  const exceptions = allowed.map(parseRange);
  return {
    allows(address) {
      // A zone (`fe80::1%eth0`) names an interface; it says nothing about the range.
      const bare = address.replace(/%.*$/, '');
      if (!ipaddr.isValid(bare)) return false;
      const parsed = ipaddr.process(bare);
      if (exceptions.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match([range, bits] as never)))
        return true;
      if (parsed.kind() === 'ipv6' && parsed.match(ipv4Compatible)) return false;
      return parsed.range() === 'unicast' && !publicMetadataAddresses.has(parsed.toString());
    },
  };
}

function parseRange(entry: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (entry.includes('/') && ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  if (!ipaddr.isValid(entry)) throw new Error('an allowed address is neither an IP address nor a CIDR range');
  const address = ipaddr.process(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
