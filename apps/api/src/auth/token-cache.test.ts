import { expect, test } from 'vitest';
import type { Principal } from './principal.ts';
import { TokenCache } from './token-cache.ts';

const principal: Principal = { subject: 'a', roles: ['service'], tenantId: 'venue-1', expiresAtMs: 0 };

test('a token is remembered until its time and not a moment longer', () => {
  let nowMs = 1_000;
  const cache = new TokenCache(() => nowMs);
  cache.remember('token', principal, 2_000);
  expect(cache.find('token')).toBe(principal);
  nowMs = 1_999;
  expect(cache.find('token')).toBe(principal);
  nowMs = 2_000;
  expect(cache.find('token')).toBeUndefined();
  nowMs = 1_000;
  expect(cache.find('token')).toBeUndefined();
});

test('one token says nothing of another', () => {
  const cache = new TokenCache(() => 0);
  cache.remember('token', principal, 1);
  expect(cache.find('token2')).toBeUndefined();
});

test('the number of remembered tokens is bounded', () => {
  const cache = new TokenCache(() => 0);
  for (let index = 0; index <= 10_000; index += 1) cache.remember(`token ${index}`, principal, 1);
  expect(cache.find('token 0')).toBeUndefined();
  expect(cache.find('token 10000')).toBe(principal);
});
