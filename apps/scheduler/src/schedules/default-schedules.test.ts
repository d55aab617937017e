import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { expect, test } from 'vitest';
import { log, openStage } from '../testing/schedules.ts';
import { defaultSchedules, seedDefaultSchedules } from './default-schedules.ts';

test('are made once, and stay as a person has left them', async () => {
  const { prefix, url: redisUrl } = usePrefix();
  const { runtime, schedules } = openStage({ databaseUrl: (await useDatabase()).url, redisUrl, prefix });
  const all = async () => (await schedules.list({}, 'platform', { limit: 10, after: null })).items;
  await seedDefaultSchedules(runtime, log);
  const [made] = await all();
  expect(made).toMatchObject({ type: 'reconcile-books', active: true });
  expect(made?.nextRun).not.toBeNull();
  await schedules.patch(made?.id ?? '', null, { active: false });
  await seedDefaultSchedules(runtime, log);
  expect(await all()).toMatchObject([{ id: made?.id, active: false }]);
  expect(await all()).toHaveLength(defaultSchedules.length);
  await runtime.close();
});
