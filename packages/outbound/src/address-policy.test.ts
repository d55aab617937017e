import { describe, expect, test } from 'vitest';
import { createAddressPolicy } from './address-policy.ts';

const refused = [
  ['0.0.0.0', 'unspecified'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback, the end of its range'],
  ['10.1.2.3', 'private'],
  ['172.16.0.1', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'link-local, metadata of AWS, Google and others'],
  ['100.100.100.200', 'carrier-grade NAT, metadata of Alibaba'],
  ['192.0.0.192', 'reserved, metadata of Oracle'],
  ['168.63.129.16', 'public, but the platform of Azure'],
  ['198.18.0.1', 'benchmarking'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local with a zone'],
  ['fd00:ec2::254', 'unique-local, metadata of AWS'],
  ['fec0::1', 'site-local'],
  ['::ffff:10.0.0.1', 'private, mapped into IPv6'],
  ['::ffff:a9fe:a9fe', 'metadata, mapped into IPv6 as hexadecimal'],
  ['::127.0.0.1', 'loopback, IPv4-compatible'],
  ['::7f00:1', 'loopback, IPv4-compatible, as a URL has it'],
  ['::808:808', 'IPv4-compatible, whatever it leads to'],
  ['64:ff9b::7f00:1', 'loopback, behind NAT64'],
  ['2002:7f00:1::', 'loopback, as 6to4'],
  ['2001:db8::1', 'documentation'],
  ['not an address', 'no address at all'],
] as const;

describe('the address policy', () => {
  test.each(refused)('refuses %s (%s)', (address) => {
    expect(createAddressPolicy().allows(address)).toBe(false);
  });

  test.each(['8.8.8.8', '93.184.215.14', '2606:4700:4700::1111', '::ffff:8.8.8.8'])(
    'allows the public address %s',
    (address) => {
      expect(createAddressPolicy().allows(address)).toBe(true);
    },
  );

  test('allows what is listed, as an address or a range, and nothing beside it', () => {
    const policy = createAddressPolicy(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
    expect(['127.0.0.1', '::ffff:127.0.0.1', '10.9.8.7', 'fd12::1'].map((address) => policy.allows(address))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['127.0.0.2', '192.168.0.1', '::1'].map((address) => policy.allows(address))).toEqual([false, false, false]);
  });

  test('refuses to be built from something that is no address', () => {
    expect(() => createAddressPolicy(['localhost'])).toThrow(/neither an IP address nor a CIDR range/);
  });
});
