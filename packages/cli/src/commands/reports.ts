import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, parseTime, printJson } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { counted } from '../terminal.ts';

const kinds = ['settlement', 'dead-letters', 'queue-health'] as const;
const formats = ['csv', 'xlsx', 'pdf'] as const;

interface MakeFlags {
  from: string;
  to?: string;
  format: string;
  email?: string;
  out?: string;
  timeout: number;
  json?: true;
}

export function addReportCommands(program: Command, context: Context): void {
  const reports = program.command('reports').description('make and download reports');

  reports
    .command('make <kind>')
    .description(`${kinds.join(', ')}; waits until it is there`)
    .requiredOption('--from <time>', 'an instant, or a time ago such as 30d', parseTime('--from'))
    .option('--to <time>', 'default: now', parseTime('--to'))
    .option('--format <format>', formats.join(', '), 'csv')
    .option('--email <address>', 'mail it, too')
    .option('--out <file>', 'download it there')
    .option('--timeout <seconds>', 'longest wait', parseInteger('--timeout'), 900)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  queuectl reports make settlement --from 30d --format xlsx --out settlement.xlsx',
    )
    .action(async (name: string, flags: MakeFlags) => {
      const { jobs } = clientOf(context.env);
      const data = {
        kind: oneOf('the kind', kinds, name),
        format: oneOf('--format', formats, flags.format),
        ...{ from: flags.from, to: flags.to ?? new Date().toISOString() },
        ...(flags.email === undefined ? {} : { emailTo: flags.email }),
      };
      const job = await jobs.add('generate-report', data, { signal: context.signal });
      const result = await jobs.waitFor(job, { timeoutMs: flags.timeout * 1_000, signal: context.signal });
      if (flags.out !== undefined) await download(context, result.reportId, flags.out);
      if (flags.json) printJson(context, result);
      else context.print(`report ${result.reportId}: ${counted(result.rows, 'row')}, ${counted(result.bytes, 'byte')}`);
    });

  reports
    .command('get <id>')
    .description('download a finished report')
    .requiredOption('--out <file>', 'where it goes')
    .addHelpText('after', '\nExample:\n  queuectl reports get 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f --out report.pdf')
    .action((id: string, flags: { out: string }) => download(context, id, flags.out));
}

/** As a stream: a report may have a million rows. */
async function download(context: Context, id: string, file: string): Promise<void> {
  const { body } = await clientOf(context.env).reports.download(id, { signal: context.signal });
  await pipeline(Readable.fromWeb(body), createWriteStream(file));
  context.tell(`Written to ${file}`);
}

function oneOf<Value extends string>(what: string, values: readonly Value[], given: string): Value {
  const value = values.find((candidate) => candidate === given);
  if (value === undefined) throw new UsageError(`${what} ${given} is not one of ${values.join(', ')}`);
  return value;
}
