import { randomBytes } from 'node:crypto';
import { createSealer, openDatabase } from '@queue-service/persistence';
import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deadUrl } from '../testing/scripted-server.ts';
import { databaseSuppressions } from './suppressions.ts';

const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }]);
let db: ReturnType<typeof openDatabase>;
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url });
});
afterAll(() => db.close());

describe('suppressions in PostgreSQL', () => {
  test('are found by tenant, channel and address, in either case for mail', async () => {
    const suppressions = databaseSuppressions(db, sealer);
    await suppressions.add('t1', 'email', { address: 'Ada@example.com', reason: 'bounced', source: 'sendgrid' });
    const asked = ['bob@example.com', 'ada@Example.com'];
    expect(await suppressions.check('t1', 'email', asked)).toEqual([{ address: 'ada@Example.com', reason: 'bounced' }]);
    expect(await suppressions.check('t2', 'email', asked)).toEqual([]);
    expect(await suppressions.check('t1', 'push', asked)).toEqual([]);
    expect(await suppressions.check('t1', 'email', [])).toEqual([]);
  });

  test('keep their first reason', async () => {
    const suppressions = databaseSuppressions(db, sealer);
    for (const reason of ['opted_out', 'bounced']) {
      await suppressions.add('t1', 'sms', { address: '+41791234567', reason, source: 'twilio' });
    }
    expect(await suppressions.check('t1', 'sms', ['+41791234567'])).toEqual([
      { address: '+41791234567', reason: 'opted_out' },
    ]);
  });

  test('show no address to who reads the table', async () => {
    await databaseSuppressions(db, sealer).add('t1', 'push', {
      address: 'device-token',
      reason: 'target_gone',
      source: 'fcm',
    });
    const rows = await db.query<{ row: string }>('suppressions-as-text', `SELECT s::text AS row FROM suppressions s`);
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toContain('device-token');
  });

  test('while PostgreSQL is away, the job comes back later and uses no attempt', async () => {
    const away = openDatabase({ url: (await deadUrl()).replace('http:', 'postgres:') });
    const check = databaseSuppressions(away, sealer).check('t1', 'email', ['ada@example.com']);
    await expect(check).rejects.toMatchObject({ name: 'RateLimitedError', code: 'database_unavailable' });
    await away.close();
  });
});
