// A money job end to end: accepted durably, claimed, one effect recorded before and after a fake that answers at once, ended.
import { report, settings, timed } from '../contestant.ts';
import { openOurs, payloads, workOurs } from '../ours.ts';

const given = settings();
const jobs = Number(given['jobs']);
await workOurs(given, 'money', () => {});
const { producer, db } = await openOurs(given);
const accept = (count: number) =>
  producer.accept(Array.from({ length: count }, () => ({ ...payloads.money, tenantId: 'tenant-1' })));
const unfinished = async () => {
  const text = 'SELECT count(*)::int AS left FROM critical_jobs WHERE finished_at IS NULL';
  return (await db.query<{ left: number }>('unfinished', text))[0]?.left ?? 0;
};
const all = async (count: number) => {
  await Promise.all(Array.from({ length: Math.ceil(count / 100) }, () => accept(100)));
  while ((await unfinished()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return count;
};
await all(Number(given['warm']));
report(await timed(() => all(jobs)));
process.exit(0);
