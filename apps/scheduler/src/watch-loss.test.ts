import { startOwnRedis, useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openStage, type Stage } from './testing/schedules.ts';
import { watchLoss } from './watch-loss.ts';

let stage: Stage;

beforeAll(async () => {
  const { url } = await useDatabase();
  const { url: redisUrl } = await startOwnRedis();
  stage = openStage({ databaseUrl: url, redisUrl, prefix: 'loss' });
  await vi.waitFor(() => expect(stage.runtime.connections.all[0]?.redis.status).toBe('ready'), 20_000);
});
afterAll(() => stage.runtime.close());

function watched() {
  const connection = stage.runtime.connections.of('background');
  const look = watchLoss(connection, 'test');
  const seen = { restores: 0 };
  return {
    seen,
    flush: () => connection.redis.flushall(),
    look: (restore = async () => {}) =>
      look(async () => {
        seen.restores += 1;
        await restore();
      }),
  };
}

it('restores at the first look and after each loss, and not otherwise', async () => {
  const { look, flush, seen } = watched();
  await look();
  await look();
  await look();
  expect(seen.restores).toBe(1);
  await flush();
  await look();
  await look();
  expect(seen.restores).toBe(2);
});

it('sees a loss right after a restore, and one in the middle of it', async () => {
  const { look, flush, seen } = watched();
  await look();
  await flush();
  await look(async () => {
    await flush();
  });
  expect(seen.restores).toBe(2);
  await look();
  expect(seen.restores).toBe(3);
});

it('restores again when that failed', async () => {
  const { look, seen } = watched();
  await expect(look(() => Promise.reject(new Error('half way')))).rejects.toThrow('half way');
  await look();
  expect(seen.restores).toBe(2);
});
