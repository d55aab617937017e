import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freeLoopbackPort } from '../../packages/sandbox/src/servers/index.ts';
import { ProcessGroup } from './process-group.ts';

let folder: string;
let lines: string[];
let group: ProcessGroup;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-processes-'));
  lines = [];
  group = new ProcessGroup({ print: (line) => lines.push(line) });
});
afterEach(async () => {
  await group.stop();
  await rm(folder, { recursive: true, force: true });
});

async function program(name: string, source: string) {
  const entry = join(folder, `${name}.mjs`);
  await writeFile(entry, source);
  return { name, entry, env: process.env };
}

const FOR_EVER = 'setInterval(() => undefined, 60_000);';

describe('processes that live together', () => {
  test('write under their names', async () => {
    await group.start(await program('one', `console.log('out'); console.error('err'); ${FOR_EVER}`));
    await vi.waitFor(() => expect(lines.toSorted()).toEqual(['one │ err', 'one │ out']));
  });

  test('are waited for until they are ready', async () => {
    const port = await freeLoopbackPort();
    const server = await program(
      'server',
      `import { createServer } from 'node:http';
       let asked = 0;
       createServer((_, answer) => {
         answer.statusCode = ++asked < 3 ? 503 : 200;
         console.log('answers ' + answer.statusCode);
         answer.end();
       }).listen(${port}, '127.0.0.1');`,
    );
    await group.start({ ...server, readyUrl: `http://127.0.0.1:${port}/` });
    await vi.waitFor(() => expect(lines).toEqual([503, 503, 200].map((status) => `server │ answers ${status}`)));
  });

  test('that end before they are ready fail the start', async () => {
    const broken = await program('broken', `console.error('no key'); process.exit(3);`);
    const port = await freeLoopbackPort();
    await expect(group.start({ ...broken, readyUrl: `http://127.0.0.1:${port}/` })).rejects.toThrow(
      'broken ended with 3',
    );
    expect(lines).toEqual(['broken │ no key']);
  });

  test('report the one that ends unasked', async () => {
    await group.start(await program('stays', FOR_EVER));
    await group.start(await program('goes', 'process.exit(1);'));
    await expect(group.failure).rejects.toThrow('goes ended with 1');
  });

  test('are asked to end, and have ended when stop resolves', async () => {
    const source = `
      process.on('SIGTERM', () => setTimeout(() => { console.log('drained'); process.exit(0); }, 100));
      console.log('up');
      ${FOR_EVER}`;
    await group.start(await program('one', source));
    await group.start(await program('two', source));
    await vi.waitFor(() => expect(lines.filter((line) => line.endsWith('up'))).toHaveLength(2));
    await group.stop();
    expect(lines).toEqual(expect.arrayContaining(['one │ drained', 'two │ drained']));
  });

  test('are not joined by another once they stop', async () => {
    await group.stop();
    await expect(group.start(await program('late', FOR_EVER))).rejects.toThrow('late is not started');
  });

  test('are killed when they do not end in time', async () => {
    group = new ProcessGroup({ print: (line) => lines.push(line), graceMs: 50 });
    await group.start(await program('stuck', `process.on('SIGTERM', () => undefined); console.log('up'); ${FOR_EVER}`));
    await vi.waitFor(() => expect(lines).toEqual(['stuck │ up']));
    await group.stop();
    expect(lines.at(-1)).toBe('stuck does not end; killing it');
  });
});
