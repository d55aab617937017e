import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Router } from 'express';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SandboxClock } from './clock.ts';
import { EffectLog } from './effects.ts';
import { Faults } from './faults.ts';
import type { Hosted } from './host.ts';
import { serve } from './serve.ts';
import { type StandaloneOptions, startAlone } from './standalone.ts';

/** A provider that counts what it is sent. */
class Counter implements Hosted {
  readonly name = 'counter';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly controls = {
    double: () => {
      this.count *= 2;
      return { count: this.count };
    },
  };
  changed: () => void = () => {};
  count = 0;
  title = '';

  constructor(clock: SandboxClock) {
    this.effects = new EffectLog(clock);
  }

  mount(router: Router): void {
    const served = {
      faults: this.faults,
      errorReply: (status: number) => ({ status, headers: { 'X-Worded': 'yes' }, body: { worded: status } }),
      changed: () => this.changed(),
    };
    router.post(
      '/count',
      serve(served, (request) => {
        this.count++;
        this.effects.record({ kind: 'count', id: String(this.count), jobId: request.body.toString() });
        return { status: 200, body: { count: this.count } };
      }),
    );
  }

  inbox() {
    return this.title === ''
      ? []
      : [
          {
            section: 'Things',
            at: 0,
            title: this.title,
            fields: { from: this.title },
            html: `<p title="x">${this.title}</p>`,
          },
        ];
  }

  snapshot() {
    return { count: this.count };
  }

  restore(snapshot: unknown) {
    this.count = (snapshot as { count: number }).count;
  }

  reset() {
    this.count = 0;
    this.effects.clear();
  }
}

const running: { stop(): Promise<void> }[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function start(options: StandaloneOptions = {}) {
  const counter = await startAlone((clock) => new Counter(clock), options);
  running.push(counter);
  const post = (body = 'job-1', signal?: AbortSignal) =>
    fetch(`${counter.url}/count`, { method: 'POST', body, ...(signal ? { signal } : {}) });
  const control = (method: string, path: string, body?: unknown) =>
    fetch(`${counter.url}/_sandbox${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { counter, post, control };
}

describe('faults around a request', () => {
  it('`status` answers in the words of the provider, without the work', async () => {
    const { counter, post } = await start();
    counter.faults.add({ do: { kind: 'status', status: 503, headers: { 'Retry-After': '7' } } });
    const answer = await post();
    expect([answer.status, await answer.json()]).toEqual([503, { worded: 503 }]);
    expect([answer.headers.get('retry-after'), answer.headers.get('x-worded')]).toEqual(['7', 'yes']);
    expect(counter.count).toBe(0);
  });

  it('`status` can bring its own body', async () => {
    const { counter, post } = await start();
    counter.faults.add({ do: { kind: 'status', status: 418, body: { mine: true } } });
    expect(await (await post()).json()).toEqual({ mine: true });
  });

  it('`error-instead-of-work` and `error-after-work` differ in the work only', async () => {
    const { counter, post } = await start();
    counter.faults.add({ do: { kind: 'error-instead-of-work', status: 500 } });
    counter.faults.add({ do: { kind: 'error-after-work', status: 500 } });
    expect([(await post()).status, counter.count]).toEqual([500, 0]);
    expect([(await post()).status, counter.count]).toEqual([500, 1]);
  });

  it('`reset` cuts the connection before the work, `reset-after-work` after it', async () => {
    const { counter, post } = await start();
    counter.faults.add({ do: { kind: 'reset' } });
    await expect(post()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(counter.count).toBe(0);
    counter.faults.add({ do: { kind: 'reset-after-work' } });
    await expect(post()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(counter.count).toBe(1);
  });

  it('`hang` and `hang-after-work` never answer, and do not keep the server from stopping', async () => {
    const { counter, post } = await start();
    counter.faults.add({ do: { kind: 'hang' } });
    counter.faults.add({ do: { kind: 'hang-after-work' } });
    const first = post().catch((error: Error) => error);
    await vi.waitFor(() => expect(counter.faults.list()[0]?.used).toBe(1));
    const second = post().catch((error: Error) => error);
    await vi.waitFor(() => expect(counter.count).toBe(1));
    const third = await post();
    expect(await third.json()).toEqual({ count: 2 });
    await counter.stop();
    expect([await first, await second]).toEqual([expect.any(TypeError), expect.any(TypeError)]);
  });

  it('`delay` does the work later, and answers', async () => {
    const { counter, post } = await start();
    counter.faults.add({ do: { kind: 'delay', ms: 20 } });
    expect(await (await post()).json()).toEqual({ count: 1 });
    expect(counter.faults.list()[0]?.used).toBe(1);
  });

  it('`hold` waits at its gate, and the work is done even if the client has left', async () => {
    const { counter, post } = await start();
    counter.faults.add({ do: { kind: 'hold', gate: 'g' } });
    const impatient = new AbortController();
    const held = post('job-1', impatient.signal).catch((error: Error) => error.name);
    await vi.waitFor(() => expect(counter.faults.waiting('g')).toBe(1));
    impatient.abort();
    expect(await held).toBe('AbortError');
    expect(counter.count).toBe(0);
    counter.faults.release('g');
    await vi.waitFor(() => expect(counter.count).toBe(1));
  });
});

describe('controls over HTTP', () => {
  it('add and remove faults', async () => {
    const { post, control } = await start();
    const added = await control('POST', '/faults', {
      match: { pathPattern: '^/count$' },
      times: 'always',
      do: { kind: 'status', status: 429 },
    });
    const { id } = (await added.json()) as { id: string };
    expect((await post()).status).toBe(429);
    expect(await (await control('GET', '/faults')).json()).toMatchObject({ counter: [{ id, seen: 1, used: 1 }] });
    await control('DELETE', `/faults?id=${id}`);
    expect((await post()).status).toBe(200);
  });

  it('say what was wrong with a control request', async () => {
    const { control } = await start();
    const unknownProvider = await control('POST', '/faults', { provider: 'nobody', do: { kind: 'hang' } });
    expect([unknownProvider.status, await unknownProvider.json()]).toEqual([
      400,
      { error: 'no provider nobody; there are counter' },
    ]);
    const unknownControl = await control('POST', '/counter/halve');
    expect([unknownControl.status, await unknownControl.json()]).toEqual([
      400,
      { error: 'counter has no control halve; it has double' },
    ]);
    expect((await control('POST', '/clock', { advanceMs: -1 })).status).toBe(400);
  });

  it('count effects by kind and by job', async () => {
    const { post, control } = await start();
    await post('job-1');
    await post('job-2');
    await post('job-1');
    expect(await (await control('GET', '/effects')).json()).toMatchObject({ counter: { counts: { count: 3 } } });
    const ofJob = (await (await control('GET', '/effects?jobId=job-1')).json()) as {
      counter: { effects: { id: string }[] };
    };
    expect(ofJob.counter.effects.map((effect) => effect.id)).toEqual(['1', '3']);
  });

  it("run a provider's own controls, move the clock, and reset", async () => {
    const { counter, post, control } = await start({ clock: new SandboxClock(() => 1000) });
    await post();
    expect(await (await control('POST', '/counter/double')).json()).toEqual({ count: 2 });
    expect(await (await control('POST', '/clock', { advanceMs: 500 })).json()).toEqual({ now: 1500 });
    await control('POST', '/reset');
    expect([counter.count, counter.effects.count()]).toEqual([0, 0]);
  });
});

describe('state file', () => {
  async function statePath(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
    folders.push(folder);
    return join(folder, 'state.json');
  }

  it('keeps objects and the clock over a restart', async () => {
    const path = await statePath();
    const first = await start({ statePath: path });
    await first.post();
    await first.post();
    first.counter.clock.advance(60_000);
    await first.counter.stop();
    const second = await start({ statePath: path });
    expect(second.counter.count).toBe(2);
    expect(second.counter.clock.offsetMs).toBe(60_000);
  });

  it('is written soon after each change, without a stop', async () => {
    const path = await statePath();
    const { post } = await start({ statePath: path });
    await Promise.all(Array.from({ length: 20 }, () => post()));
    await vi.waitFor(async () => {
      expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ providers: { counter: { count: 20 } } });
    });
  });

  it('that cannot be read stops the start', async () => {
    const path = await statePath();
    await writeFile(path, '{"half":');
    await expect(start({ statePath: path })).rejects.toThrow(SyntaxError);
  });
});

describe('inbox page', () => {
  it('shows what arrived, escaped, with mails in a frame without scripts', async () => {
    const { counter } = await start();
    counter.title = `<script>alert("1")</script>`;
    const page = await fetch(counter.url);
    const html = await page.text();
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
    expect(html).toContain(`<iframe sandbox="" title="mail" srcdoc="&lt;p title=&quot;x&quot;&gt;`);
    expect(html).not.toMatch(/(src|href)=["']?https?:/);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('says so when nothing has arrived', async () => {
    const { counter } = await start();
    expect(await (await fetch(counter.url)).text()).toContain('Nothing has arrived yet');
  });
});
