import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { recordReport } from '@queue-service/persistence';
import { createFileStorage } from '@queue-service/report-storage';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

const folder = await mkdtemp(join(tmpdir(), 'reports-'));
const storage = createFileStorage(folder);
let real: RealApp;
beforeAll(async () => {
  real = await realApp({ storage });
});
afterAll(async () => {
  await real.close();
  await rm(folder, { recursive: true });
});

const download = async (id: string, who: Parameters<typeof bearer>[0] = 'service') =>
  request(real.app)
    .get(`/api/v1/queue/reports/${id}`)
    .set('Authorization', await bearer(who));

async function stored(content: string) {
  const id = crypto.randomUUID();
  const report = { id, jobId: id, tenantId: 'venue-1', kind: 'settlement', format: 'csv', location: `x/${id}.csv` };
  const span = { from: new Date('2027-01-01T00:00:00Z'), to: new Date('2027-02-01T00:00:00Z') };
  await storage.put(report.location, Readable.from([content]), 'text/csv', new AbortController().signal);
  await recordReport(real.runtime.db, { ...report, ...span, rows: 1, bytes: Buffer.byteLength(content) });
  return report;
}

it('gives a report to its tenant and to admins as a file, and to nobody else', async () => {
  const { id } = await stored('venue,gross\nZürich,12.50\n');
  const answer = await download(id);
  expect(answer.status).toBe(200);
  expect(answer.text).toBe('venue,gross\nZürich,12.50\n');
  expect(answer.headers).toMatchObject({
    'content-type': 'text/csv; charset=utf-8',
    'content-length': '26',
    'content-disposition': 'attachment; filename="settlement-2027-01-01-2027-02-01.csv"',
  });
  expect((await download(id, 'admin')).status).toBe(200);
  expect((await download(id, 'otherTenant')).body.code).toBe('not_found');
  expect((await download(crypto.randomUUID())).body.code).toBe('not_found');
});

it('says of a report whose file was removed that it is gone', async () => {
  const [cleaned, lost] = [await stored('a'), await stored('b')];
  await real.runtime.db.prisma.report.update({ where: { id: cleaned.id }, data: { deletedAt: new Date() } });
  await storage.remove(lost.location);
  for (const { id } of [cleaned, lost]) expect((await download(id)).body).toMatchObject({ status: 410, code: 'gone' });
});
