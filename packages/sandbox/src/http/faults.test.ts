import { describe, expect, it } from 'vitest';
import { Faults } from './faults.ts';
import type { ProviderRequest } from './request.ts';

function request(part: Partial<Pick<ProviderRequest, 'method' | 'target'>> & { body?: string } = {}): ProviderRequest {
  const target = part.target ?? '/v1/things?limit=1';
  return {
    method: part.method ?? 'POST',
    path: target.split('?')[0] ?? '',
    query: new URLSearchParams(),
    target,
    params: {},
    headers: {},
    body: Buffer.from(part.body ?? ''),
  };
}

const refuse = { kind: 'status', status: 503 } as const;

describe('fault rules', () => {
  it('fail one request when nothing else is said', () => {
    const faults = new Faults();
    faults.add({ do: refuse });
    expect([faults.take(request()), faults.take(request())]).toEqual([refuse, undefined]);
  });

  it('let `after` matching requests pass, and fail `times`', () => {
    const faults = new Faults();
    faults.add({ after: 1, times: 2, do: refuse });
    const taken = Array.from({ length: 5 }, () => faults.take(request())?.kind);
    expect(taken).toEqual([undefined, 'status', 'status', undefined, undefined]);
  });

  it('fail all requests with `always`, until they are removed', () => {
    const faults = new Faults();
    const id = faults.add({ times: 'always', do: refuse });
    expect(Array.from({ length: 3 }, () => faults.take(request()))).toEqual([refuse, refuse, refuse]);
    faults.remove(id);
    expect(faults.take(request())).toBeUndefined();
  });

  it('look at method, path, pattern and body, and do not count what they do not match', () => {
    const faults = new Faults();
    faults.add({ match: { method: 'post', path: '/things', bodyIncludes: 'metadata[job]=7' }, do: refuse });
    expect(faults.take(request({ method: 'GET', body: 'metadata[job]=7' }))).toBeUndefined();
    expect(faults.take(request({ target: '/v1/other', body: 'metadata[job]=7' }))).toBeUndefined();
    expect(faults.take(request({ body: 'metadata[job]=8' }))).toBeUndefined();
    expect(faults.take(request({ body: 'amount=1&metadata%5Bjob%5D=7' }))).toEqual(refuse);

    faults.add({ match: { path: /^\/v1\/things\/\d+$/g }, times: 'always', do: refuse });
    expect(faults.take(request({ target: '/v1/things/abc' }))).toBeUndefined();
    expect(faults.take(request({ target: '/v1/things/12' }))).toEqual(refuse);
    expect(faults.take(request({ target: '/v1/things/12' }))).toEqual(refuse);
  });

  it('decide in the order in which they were added', () => {
    const faults = new Faults();
    faults.add({ do: refuse });
    faults.add({ do: { kind: 'hang' } });
    expect(Array.from({ length: 3 }, () => faults.take(request())?.kind)).toEqual(['status', 'hang', undefined]);
  });
});

describe('random faults', () => {
  const options = {
    seed: 7,
    rates: { 'reset-after-work': 0.3, delay: { rate: 0.2, ms: 5 }, status: { rate: 0.1, status: 500 } },
  };
  const draw = (seed: number) => {
    const faults = new Faults();
    faults.random({ ...options, seed });
    return Array.from({ length: 1000 }, () => faults.take(request()));
  };

  it('are the same for the same seed', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('come at their rates, with their settings', () => {
    const kinds = Map.groupBy(draw(7), (fault) => fault?.kind);
    expect(kinds.get('reset-after-work')?.length).toBeGreaterThan(240);
    expect(kinds.get('reset-after-work')?.length).toBeLessThan(360);
    expect(kinds.get('delay')?.[0]).toEqual({ kind: 'delay', ms: 5 });
    expect(kinds.get('status')?.[0]).toEqual({ kind: 'status', status: 500 });
    expect(kinds.get(undefined)?.length).toBeGreaterThan(320);
  });
});
