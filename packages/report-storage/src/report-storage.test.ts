import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFileStorage } from './file-storage.ts';
import type { ReportStorage } from './report-storage.ts';
import { createS3Storage } from './s3-storage.ts';
import { startS3 } from './testing/s3-server.ts';

const live = new AbortController().signal;
const mebibyte = 1024 * 1024;
async function* broken() {
  yield Buffer.alloc(1_000);
  throw new Error('the report broke');
}

const textOf = async (storage: ReportStorage, name: string) => {
  const found = await storage.open(name);
  return found === null ? null : text(found);
};

describe('files', () => {
  let folder: string;
  let storage: ReportStorage;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reports-'));
    storage = createFileStorage(join(folder, 'made', 'when needed'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const path = (name: string) => join(folder, 'made', 'when needed', name);

  it('keeps, replaces, gives and removes', async () => {
    await storage.put('2027-01/a.csv', Readable.from(['one']), 'text/csv', live);
    await storage.put('2027-01/a.csv', Readable.from(['t', 'wo']), 'text/csv', live);
    expect(await readFile(path('2027-01/a.csv'), 'utf8')).toBe('two');
    expect(await textOf(storage, '2027-01/a.csv')).toBe('two');
    await storage.remove('2027-01/a.csv');
    await storage.remove('2027-01/a.csv');
    expect(await readdir(path('2027-01'))).toEqual([]);
    expect(await storage.open('2027-01/a.csv')).toBeNull();
  });

  it('leaves nothing of a report that broke or was aborted, and the old one as it was', async () => {
    await storage.put('b/b.csv', Readable.from(['old']), 'text/csv', live);
    await expect(storage.put('b/b.csv', Readable.from(broken()), 'text/csv', live)).rejects.toThrow('the report broke');
    const abort = new AbortController();
    const waits = storage.put('b/b.csv', new Readable({ read: () => undefined }), 'text/csv', abort.signal);
    abort.abort();
    await expect(waits).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readdir(path('b'))).toEqual(['b.csv']);
    expect(await readFile(path('b/b.csv'), 'utf8')).toBe('old');
  });
});

describe('S3', () => {
  let server: Awaited<ReturnType<typeof startS3>>;
  let storage: ReportStorage;
  beforeAll(async () => {
    server = await startS3();
    const client = new S3Client({
      endpoint: server.url,
      forcePathStyle: true,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });
    storage = createS3Storage({ client, bucket: 'bucket', prefix: 'reports/x' });
  });
  beforeEach(() => {
    server.state.failure = null;
    server.objects.clear();
  });
  afterAll(async () => {
    storage.close();
    await server.stop();
  });

  it('keeps, gives and removes below its prefix', async () => {
    await storage.put('a.csv', Readable.from([Buffer.from('one')]), 'text/csv', live);
    expect(server.objects.get('bucket/reports/x/a.csv')).toEqual({ body: Buffer.from('one'), contentType: 'text/csv' });
    expect(await textOf(storage, 'a.csv')).toBe('one');
    await storage.remove('a.csv');
    expect(server.objects.size).toBe(0);
    expect(await storage.open('a.csv')).toBeNull();
  });

  it('uploads what is large in parts', async () => {
    const chunks = Array.from({ length: 20 }, (_, n) => Buffer.alloc(mebibyte, n));
    await storage.put('large.csv', Readable.from(chunks), 'text/csv', live);
    expect(server.objects.get('bucket/reports/x/large.csv')?.body.equals(Buffer.concat(chunks))).toBe(true);
    expect(server.state.requests.filter((request) => request === 'PUT bucket/reports/x/large.csv')).toHaveLength(3);
  });

  it('leaves neither an object nor parts of a report that broke', async () => {
    async function* late() {
      for (let n = 0; n < 10; n += 1) yield Buffer.alloc(mebibyte);
      throw new Error('the report broke');
    }
    await expect(storage.put('late.csv', Readable.from(late()), 'text/csv', live)).rejects.toThrow('the report broke');
    expect(server.objects.size).toBe(0);
    expect(server.uploads.size).toBe(0);
  });

  it('passes on what the server says', async () => {
    server.state.failure = 403;
    await expect(storage.put('a.csv', Readable.from([Buffer.from('x')]), 'text/csv', live)).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });
});
