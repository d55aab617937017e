import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openLogFile } from './log-file.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-log-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('lines are in the file once flushed, and the folder is made', async () => {
  const onError = vi.fn();
  const file = openLogFile(join(folder, 'made', 'queue.log'), onError);
  file.write('{"msg":"one"}\n');
  file.write('{"msg":"two"}\n');
  await new Promise((resolve) => file.flush(resolve));
  const [name] = await readdir(join(folder, 'made'));
  expect(await readFile(join(folder, 'made', name ?? ''), 'utf8')).toBe('{"msg":"one"}\n{"msg":"two"}\n');
  await file.close();
  expect(onError).not.toHaveBeenCalled();
});

test('a file that is full is followed by another, and the oldest are removed', async () => {
  const file = openLogFile(join(folder, 'queue.log'), vi.fn(), { size: '1k', keep: 2 });
  for (let line = 1; line <= 8; line += 1) {
    const full = `${line} ${'x'.repeat(1_100)}\n`;
    const before = await readdir(folder);
    file.write(full);
    await new Promise((resolve) => file.flush(resolve));
    await expect.poll(async () => await readdir(folder)).not.toEqual(before);
  }
  await expect.poll(async () => (await readdir(folder)).length).toBeLessThanOrEqual(3);
  const kept = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  expect(kept.join('')).toMatch(/^8 x/m);
  expect(kept.join('')).not.toMatch(/^1 x/m);
  await file.close();
});

test('a file that cannot be written is reported once and stops nothing', async () => {
  const blocked = join(folder, 'a-file');
  await writeFile(blocked, '');
  const onError = vi.fn();
  const file = openLogFile(join(blocked, 'queue.log'), onError);
  file.write('lost\n');
  await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), { timeout: 10_000 });
  file.write('lost too\n');
  await new Promise((resolve) => file.flush(resolve));
  await file.close();
  expect(onError).toHaveBeenCalledOnce();
});

test('the lines of a process that exits at once are in its file and on its standard output, without secrets', async () => {
  const program = join(folder, 'program.mts');
  const module = new URL('./create-logger.ts', import.meta.url).href;
  const path = join(folder, 'queue.log');
  await writeFile(
    program,
    `import { createLogger } from ${JSON.stringify(module)};
     const log = createLogger({ service: 'api', level: 'info', file: ${JSON.stringify(path)} });
     log.info({ key: 'sk_test_planted' }, 'last words');
     process.exit(0);`,
  );
  const { stdout, stderr, status } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const name = (await readdir(folder)).find((entry) => entry.endsWith('.log'));
  const written = await readFile(join(folder, name ?? ''), 'utf8');
  expect(written).toBe(stdout);
  expect(written).toContain('last words');
  expect(written).not.toContain('planted');
});
