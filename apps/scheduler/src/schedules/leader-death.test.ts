import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openStage, type Stage } from '../testing/schedules.ts';

let stage: Stage;
let args: string[];
const children: ChildProcess[] = [];
const patient = { timeout: 40_000, interval: 100 };

beforeAll(async () => {
  const { url: databaseUrl } = await useDatabase();
  const { prefix, url: redisUrl } = usePrefix();
  args = [databaseUrl, redisUrl, prefix];
  stage = openStage({ databaseUrl, redisUrl, prefix });
});
afterAll(async () => {
  await Promise.all(
    children.map((child) => {
      child.kill('SIGKILL');
      return child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    }),
  );
  await stage.runtime.close();
});

function schedulerProcess(): ChildProcess {
  const script = join(import.meta.dirname, '..', 'testing', 'schedule.ts');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}
const leads = (child: ChildProcess) => once(child.stdout as NodeJS.ReadableStream, 'data');

it.each(['SIGKILL', 'SIGSTOP'] as const)(
  'fires each second once, also those around a %s of the leader',
  async (signal) => {
    const { id } = await stage.create({ cron: '* * * * * *', overlap: 'allow' });
    const fired = async () => (await stage.fires(id)).filter(({ status }) => status === 'fired');
    const leader = schedulerProcess();
    await leads(leader);
    const next = schedulerProcess();
    await vi.waitFor(async () => expect((await fired()).length).toBeGreaterThan(2), patient);
    leader.kill(signal);
    const before = (await fired()).length;
    await leads(next);
    await vi.waitFor(async () => expect((await fired()).length).toBeGreaterThan(before + 3), patient);
    if (signal === 'SIGSTOP') {
      // It wakes up believing that it leads.
      leader.kill('SIGCONT');
      const then = (await fired()).length;
      await vi.waitFor(async () => expect((await fired()).length).toBeGreaterThan(then + 3), patient);
    }
    await stage.schedules.patch(id, null, { active: false });
    const fires = await vi.waitFor(async () => {
      const all = await stage.fires(id);
      expect(all.every(({ status }) => status === 'fired')).toBe(true);
      return all;
    }, patient);
    const times = fires.map(({ fireAt }) => Date.parse(fireAt));
    expect(times.slice(1).every((time, index) => time - (times[index] ?? 0) === 1_000)).toBe(true);
    const jobs = await stage.runtime.db.prisma.criticalJob.count({
      where: { idempotencyKey: { startsWith: `schedule:${id}` } },
    });
    expect(jobs).toBe(fires.length);
    leader.kill('SIGKILL');
    next.kill('SIGKILL');
  },
  90_000,
);
