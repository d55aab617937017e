import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, parseQueue, parseTime, printJson } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { confirm, counted, printTable, progressBar } from '../terminal.ts';

interface Flags {
  all?: true;
  queue?: string;
  type?: string;
  code?: string;
  since?: string;
  rate?: number;
  dryRun?: true;
  yes?: true;
  json?: true;
}

export function addRedriveCommand(program: Command, context: Context): void {
  const redrive = program
    .command('redrive')
    .description('start the jobs of many dead letters again')
    .option('--all', 'all open ones that fit the filter')
    .option('--queue <queue>', 'only of this queue')
    .option('--type <type>', 'only of this job type')
    .option('--code <code>', 'only those that died of this error')
    .option('--since <time>', 'only those that died since; an instant, or a time ago such as 24h', parseTime('--since'))
    .option('--rate <n>', 'jobs a second', parseInteger('--rate'))
    .option('--dry-run', 'only say how many and which it would be')
    .option('--yes', 'do not ask')
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `\nMoney jobs look first for what an earlier attempt did. Ctrl-C leaves a run going; stop it with queuectl redrive stop.

Examples:
  queuectl redrive --all --queue money --code card_network_unavailable --dry-run
  queuectl redrive --all --queue communication --since 24h --rate 50 --yes`,
    )
    .action(async (flags: Flags) => {
      if (!flags.all) throw new UsageError('give --all, or redrive one: queuectl dead-letters redrive <id>');
      const { deadLetters } = clientOf(context.env);
      const { signal } = context;
      const filter = {
        ...(flags.queue === undefined ? {} : { queue: parseQueue(flags.queue) }),
        ...(flags.type === undefined ? {} : { type: flags.type }),
        ...(flags.code === undefined ? {} : { code: flags.code }),
        ...(flags.since === undefined ? {} : { from: flags.since }),
      };
      const dry = await deadLetters.redriveMany({ filter, dryRun: true }, { signal });
      if (flags.dryRun) {
        if (flags.json) {
          printJson(context, dry);
          return;
        }
        context.print(
          `${counted(dry.matching, 'job')} would start again${dry.matching > dry.deadLetters.length ? '; the first:' : ''}`,
        );
        const rows = dry.deadLetters.map((letter) => [letter.id, letter.type, letter.tenantId, letter.error.code]);
        printTable(context, ['ID', 'TYPE', 'TENANT', 'ERROR'], rows);
        return;
      }
      if (dry.matching === 0) {
        context.tell('No dead letter fits');
        if (flags.json) printJson(context, dry);
        return;
      }
      await confirm(context, `Will start ${counted(dry.matching, 'job')} again`, flags.yes);
      const rate = flags.rate === undefined ? {} : { ratePerSecond: flags.rate };
      const begun = await deadLetters.redriveMany({ filter, dryRun: false, ...rate }, { signal });
      if (begun.run === null) {
        if (flags.json) printJson(context, begun);
        else
          context.print(`${counted(begun.deadLetters.length, 'job')} started again, ${begun.skipped.length} could not`);
        return;
      }
      context.tell(`Run ${begun.run.id}`);
      const draw = progressBar(context, begun.run.total);
      let run = begun.run;
      while (run.status === 'running') {
        await sleep(1_000, undefined, { signal });
        run = await deadLetters.redriveRun(run.id, { signal });
        draw(run.redriven + run.skipped);
      }
      if (flags.json) printJson(context, run);
      else context.print(`${run.status}: ${counted(run.redriven, 'job')} started again, ${run.skipped} could not`);
    });

  redrive
    .command('stop <run>')
    .description('stop a run; what it has started goes on')
    .option('--json', 'print the run as JSON')
    .addHelpText('after', '\nExample:\n  queuectl redrive stop 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f')
    .action(async (id: string, flags: { json?: true }) => {
      const run = await clientOf(context.env).deadLetters.stopRedrive(id, { signal: context.signal });
      if (flags.json) printJson(context, run);
      else context.print(`${run.status}: ${run.redriven} of ${counted(run.total, 'job')} started again`);
    });
}
