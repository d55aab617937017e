import type { DeadLetterResource } from '@queue-service/client';
import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, parseQueue, printJson, tellOfMore, upTo } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { facts, printTable } from '../terminal.ts';

interface ListFlags {
  queue?: string;
  type?: string;
  status: string;
  limit: number;
  json?: true;
}

const statuses = ['open', 'redriven', 'discarded'] as const;
type LetterStatus = (typeof statuses)[number];

export function addDeadLetterCommands(program: Command, context: Context): void {
  const letters = program.command('dead-letters').alias('dl').description('jobs that failed for good');

  letters
    .command('list')
    .description('newest first')
    .option('--queue <queue>', 'only of this queue')
    .option('--type <type>', 'only of this job type')
    .option('--status <status>', `${statuses.join(', ')}`, 'open')
    .option('--limit <n>', 'at most', parseInteger('--limit'), 50)
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  queuectl dead-letters list --queue money --type nft-mint')
    .action(async (flags: ListFlags) => {
      if (!statuses.some((status) => status === flags.status))
        throw new UsageError(`--status ${flags.status} is not one of ${statuses.join(', ')}`);
      const query = {
        status: flags.status as LetterStatus,
        ...(flags.queue === undefined ? {} : { queue: parseQueue(flags.queue) }),
        ...(flags.type === undefined ? {} : { type: flags.type as DeadLetterResource['type'] as never }),
      };
      const api = clientOf(context.env).deadLetters;
      const { items, more } = await upTo(flags.limit, async (page) => {
        const { deadLetters, nextCursor } = await api.list({ ...query, ...page }, { signal: context.signal });
        return { items: deadLetters, nextCursor };
      });
      if (flags.json) {
        printJson(context, items);
        return;
      }
      const rows = items.map((letter) => [
        ...[letter.id, letter.type, letter.tenantId, letter.reason, letter.error.code],
        letter.createdAt,
      ]);
      printTable(context, ['ID', 'TYPE', 'TENANT', 'REASON', 'ERROR', 'DIED'], rows);
      tellOfMore(context, more);
    });

  letters
    .command('get <id>')
    .description('one, with its payload (personal data masked) and its attempts')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  queuectl dead-letters get 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f')
    .action(async (id: string, flags: { json?: true }) => {
      const letter = await clientOf(context.env).deadLetters.get(id, { signal: context.signal });
      if (flags.json) {
        printJson(context, letter);
        return;
      }
      for (const line of described(letter)) context.print(line);
      context.print(`data     ${JSON.stringify(letter.data)}`);
      for (const { attempt, startedAt, outcome, error } of letter.attemptLog)
        context.print(
          `attempt ${attempt} at ${startedAt}: ${outcome}${error === null ? '' : ` (${error.code}: ${error.message})`}`,
        );
    });

  letters
    .command('redrive <id>')
    .description('start its job again; many at once: queuectl redrive --help')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExample:\n  queuectl dead-letters redrive 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f')
    .action(async (id: string, flags: { json?: true }) => {
      const letter = await clientOf(context.env).deadLetters.redrive(id, { signal: context.signal });
      if (flags.json) printJson(context, letter);
      else context.print(`job ${letter.jobId} starts again; follow it: queuectl jobs follow ${letter.jobId}`);
    });

  letters
    .command('discard <id>')
    .description('its job is not started again')
    .requiredOption('--reason <text>', 'why; kept with it')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  queuectl dead-letters discard 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f --reason "buyer was paid back by hand"',
    )
    .action(async (id: string, flags: { reason: string; json?: true }) => {
      const letter = await clientOf(context.env).deadLetters.discard(id, flags.reason, { signal: context.signal });
      if (flags.json) printJson(context, letter);
      else for (const line of described(letter)) context.print(line);
    });
}

function described(letter: DeadLetterResource): string[] {
  return facts([
    ['id', letter.id],
    ['job', letter.jobId],
    ['type', `${letter.type} (${letter.queue})`],
    ['tenant', letter.tenantId],
    ['status', letter.status],
    ['reason', letter.reason],
    ['error', `${letter.error.code}: ${letter.error.message}`],
    ['attempts', letter.attempts],
    ['died', letter.createdAt],
  ]);
}
