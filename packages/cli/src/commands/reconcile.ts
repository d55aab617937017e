import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, parseTime, printJson } from '../context.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { facts, printTable } from '../terminal.ts';

interface Flags {
  from?: string;
  to?: string;
  timeout: number;
  json?: true;
}

export function addReconcileCommand(program: Command, context: Context): void {
  program
    .command('reconcile')
    .description('compare the ledger with Stripe and the chain; ends with 5 when they differ')
    .option('--from <time>', 'start; an instant, or a time ago such as 7d. Default: 26 hours ago', parseTime('--from'))
    .option('--to <time>', 'end. Default: now', parseTime('--to'))
    .option('--timeout <seconds>', 'longest wait', parseInteger('--timeout'), 3_600)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nIt changes nothing.\n\nExamples:\n  queuectl reconcile\n  queuectl reconcile --from 7d')
    .action(async (flags: Flags) => {
      if (flags.to !== undefined && flags.from === undefined) throw new UsageError('--to needs --from');
      const period = flags.from === undefined ? {} : { from: flags.from, to: flags.to ?? new Date().toISOString() };
      const { jobs } = clientOf(context.env);
      const job = await jobs.add('reconcile-books', period, { signal: context.signal });
      context.tell(`Will compare the books and change nothing; job ${job.id}`);
      const result = await jobs.waitFor(job, { timeoutMs: flags.timeout * 1_000, signal: context.signal });
      if (flags.json) printJson(context, result);
      else {
        const lines = facts([
          ['period', `${result.from} to ${result.to}`],
          ['compared', `${result.ledgerRows} in the ledger, ${result.providerRows} at the providers`],
          ['in the ledger only', result.ledgerOnly],
          ['at a provider only', result.providerOnly],
          ['amount differs', result.amountDiffers],
          ['status differs', result.statusDiffers],
        ]);
        for (const line of lines) context.print(line);
        const rows = result.brief.map((one) => [
          one.kind,
          one.provider,
          one.object,
          one.providerId ?? '',
          one.jobId ?? '',
        ]);
        if (rows.length > 0) printTable(context, ['DIFFERENCE', 'PROVIDER', 'OBJECT', 'ID', 'JOB'], rows);
      }
      if (result.differences > 0) context.fail(exitCodes.jobFailed);
    });
}
