import { expect, it } from 'vitest';
import { createAddressPolicy } from './address-policy.ts';
import { endpointUrlProblem } from './endpoint-url.ts';

const rules = { policy: createAddressPolicy(), allowHttp: false };
const names: Record<string, string[]> = {
  'good.example': ['93.184.216.34'],
  'inside.example': ['93.184.216.34', '10.0.0.7'],
  'metadata.example': ['169.254.169.254'],
};
const lookup = async (host: string) => {
  const found = names[host];
  if (found === undefined) throw new Error('ENOTFOUND');
  return found;
};
const problem = (url: string, more: object = {}) => endpointUrlProblem(url, { ...rules, ...more }, lookup);

it('takes public addresses by https, and names that cannot be resolved now', async () => {
  expect(await problem('https://good.example/hook?x=1')).toBeNull();
  expect(await problem('https://93.184.216.34/')).toBeNull();
  expect(await problem('https://nobody-knows.example/')).toBeNull();
});

it.each(['http://good.example/', 'ftp://good.example/', 'https://user:secret@good.example/', 'not a url'])(
  'refuses %s',
  async (url) => {
    expect(await problem(url)).not.toBeNull();
  },
);

it.each([
  'https://127.0.0.1/',
  'https://[::1]:8443/',
  'https://[::ffff:10.0.0.1]/',
  'https://192.168.1.1/',
  'https://0x7f.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://inside.example/',
  'https://metadata.example/',
])('refuses %s as not public', async (url) => {
  expect(await problem(url)).toBe('The address is not a public one');
});

it('can be told to let plain http and a range of addresses pass', async () => {
  const policy = createAddressPolicy(['127.0.0.0/8']);
  expect(await problem('http://127.0.0.1:9000/', { policy, allowHttp: true })).toBeNull();
  expect(await problem('http://10.0.0.1/', { policy, allowHttp: true })).not.toBeNull();
});
