import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.ts';

let db: Database;
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url });
});
afterAll(() => db.close());

it('fails a transaction whose connection breaks between two statements, and nothing else', async () => {
  const pidOf = async (sql: Pick<Database, 'query'>) =>
    (await sql.query<{ pid: number }>('', 'SELECT pg_backend_pid() AS pid'))[0]?.pid;
  let broken: number | undefined;
  const transaction = db.transaction(async (sql) => {
    broken = await pidOf(sql);
    await db.query('', 'SELECT pg_terminate_backend($1)', [broken]);
    // Until this process has heard of it; an error that nobody listens to would end it here.
    await expect
      .poll(() => sql.query('', 'SELECT 1').then(String, ({ message }: Error) => message))
      .toMatch(/terminat|not queryable/i);
    await sql.query('', 'SELECT 1');
  });
  await expect(transaction).rejects.toThrow();
  expect(await db.transaction(pidOf)).not.toBe(broken);
});
