import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../database.ts';
import { closeIncident, listOpenIncidents, type NewIncident, openIncident } from './incidents.ts';

let db: Database;
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url });
});
afterAll(() => db.close());

const lag: NewIncident = {
  key: 'relay_lag',
  kind: 'relay_lag',
  severity: 'warning',
  summary: 'Jobs wait for dispatch',
  details: { jobs: 3 },
};

it('is one incident however often and by however many it is raised', async () => {
  const first = await openIncident(db, lag);
  const raised = await Promise.all(
    [1, 2, 3, 4].map((jobs) => openIncident(db, { ...lag, severity: 'critical', details: { jobs } })),
  );
  expect(new Set([first, ...raised].map(({ id }) => id)).size).toBe(1);
  const [open, ...others] = await listOpenIncidents(db);
  expect(others).toEqual([]);
  expect(open).toMatchObject({ severity: 'critical', openedAt: first.openedAt, closedAt: null });
  expect(Number(open?.lastSeenAt)).toBeGreaterThanOrEqual(Number(first.lastSeenAt));
});

it('is closed once, and reopened as the same one while nobody was told that it is over', async () => {
  const { id } = await openIncident(db, lag);
  expect([await closeIncident(db, lag.key), await closeIncident(db, lag.key)]).toEqual([true, false]);
  expect(await listOpenIncidents(db)).toEqual([]);
  expect(await openIncident(db, lag)).toMatchObject({ id, closedAt: null });
});

it('is another one after that', async () => {
  const { id } = await openIncident(db, lag);
  await closeIncident(db, lag.key);
  await db.query('settle', 'UPDATE incidents SET settled_at = now() WHERE id = $1', [id]);
  expect(await closeIncident(db, lag.key)).toBe(false);
  expect((await openIncident(db, lag)).id).not.toBe(id);
});
