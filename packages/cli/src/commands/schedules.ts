import { readFile } from 'node:fs/promises';
import type { ScheduleResource } from '@queue-service/client';
import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, parseJsonObject, printJson, tellOfMore, upTo } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { confirm, facts, printTable } from '../terminal.ts';

interface Json {
  json?: true;
}

export function addScheduleCommands(program: Command, context: Context): void {
  const schedules = program.command('schedules').description('jobs that are made again and again');
  const client = () => clientOf(context.env).schedules;
  const { signal } = context;

  schedules
    .command('list')
    .description('newest first')
    .option('--limit <n>', 'at most', parseInteger('--limit'), 50)
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  queuectl schedules list')
    .action(async (flags: Json & { limit: number }) => {
      const { items, more } = await upTo(flags.limit, async (page) => {
        const { schedules: found, nextCursor } = await client().list(page, { signal });
        return { items: found, nextCursor };
      });
      if (flags.json) {
        printJson(context, items);
        return;
      }
      const rows = items.map((one) => [
        ...[one.id, one.name, one.type, timing(one), one.active ? (one.nextRun ?? 'over') : 'paused'],
        one.lastStatus ?? '',
      ]);
      printTable(context, ['ID', 'NAME', 'TYPE', 'WHEN', 'NEXT', 'LAST'], rows);
      tellOfMore(context, more);
    });

  schedules
    .command('get <id>')
    .description('one, and what became of its last times')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  queuectl schedules get 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f')
    .action(async (id: string, flags: Json) => {
      const schedule = await client().get(id, { signal });
      if (flags.json) {
        printJson(context, schedule);
        return;
      }
      show(context, schedule, flags.json);
      const { fires } = await client().fires(id, { limit: 10 }, { signal });
      const rows = fires.map((fire) => [fire.fireAt, fire.status, fire.jobStatus ?? '', fire.jobId ?? '']);
      printTable(context, ['FIRED AT', 'STATUS', 'JOB', 'ID'], rows);
    });

  schedules
    .command('create')
    .description('make one, from a file or as JSON; its fields: GET /api/v1/queue/docs')
    .option('--file <path>', 'JSON')
    .option('--data <json>', 'JSON')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `\nExample:
  queuectl schedules create --data '{"name":"nightly","type":"generate-report","cron":"0 3 * * *","timezone":"Europe/Zurich",
    "data":{"kind":"settlement","from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z","format":"csv"}}'`,
    )
    .action(async (flags: Json & { file?: string; data?: string }) => {
      if ((flags.file === undefined) === (flags.data === undefined))
        throw new UsageError('exactly one of --file and --data is required');
      const text = flags.data ?? (await readFile(flags.file ?? '', 'utf8').catch(unreadable));
      const option = flags.data === undefined ? '--file' : '--data';
      // The API checks it and names every bad field.
      show(context, await client().create(parseJsonObject(option, text) as never, { signal }), flags.json);
    });

  for (const [name, active, what] of [
    ['pause', false, 'times that pass meanwhile are not caught up'],
    ['resume', true, 'fire again from the next time on'],
  ] as const) {
    schedules
      .command(`${name} <id>`)
      .description(what)
      .option('--json', 'print it as JSON')
      .addHelpText('after', `\nExample:\n  queuectl schedules ${name} 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f`)
      .action(async (id: string, flags: Json) => {
        show(context, await client().update(id, { active }, { signal }), flags.json);
      });
  }

  schedules
    .command('run <id>')
    .description('fire it now, also while it is paused')
    .option('--json', 'print the fire and its job as JSON')
    .addHelpText('after', '\nExample:\n  queuectl schedules run 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f')
    .action(async (id: string, flags: Json) => {
      const { fire, job } = await client().run(id, { signal });
      if (flags.json) printJson(context, { fire, job });
      else context.print(job === null ? 'fired; its queue takes it later' : `fired: job ${job.id}`);
    });

  schedules
    .command('preview <id>')
    .description('its next times')
    .option('--count <n>', 'how many', parseInteger('--count'), 10)
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  queuectl schedules preview 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f --count 3')
    .action(async (id: string, flags: Json & { count: number }) => {
      const { fires } = await client().preview(id, { count: flags.count }, { signal });
      if (flags.json) printJson(context, fires);
      else for (const { runAt } of fires) context.print(runAt);
    });

  schedules
    .command('delete <id>')
    .description('remove it; jobs that it made stay')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  queuectl schedules delete 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f --yes')
    .action(async (id: string, flags: { yes?: true }) => {
      const { name } = await client().get(id, { signal });
      await confirm(context, `Will remove the schedule ${name}`, flags.yes);
      await client().remove(id, { signal });
      context.print('removed');
    });
}

function unreadable(error: NodeJS.ErrnoException): never {
  throw new UsageError(`--file cannot be read: ${error.code ?? error.message}`);
}

function timing({ cron, everyMs, timezone }: ScheduleResource): string {
  return cron === null ? `every ${(everyMs ?? 0) / 1_000} s` : `${cron} ${timezone}`;
}

function show(context: Context, schedule: ScheduleResource, json: true | undefined): void {
  if (json) {
    printJson(context, schedule);
    return;
  }
  const lines = facts([
    ['id', schedule.id],
    ['name', schedule.name],
    ['type', `${schedule.type} (${schedule.queue})`],
    ['when', timing(schedule)],
    ['state', schedule.active ? 'active' : 'paused'],
    ['next', schedule.nextRun],
    ['last', schedule.lastRun === null ? null : `${schedule.lastRun} ${schedule.lastStatus ?? ''}`],
    ['overlap', schedule.overlap],
    ['catch-up', schedule.catchUp],
  ]);
  for (const line of lines) context.print(line);
}
