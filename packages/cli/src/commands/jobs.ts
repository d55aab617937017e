import { isJobType, JobFailedError, type JobInput, type JobResource, type JobType } from '@queue-service/client';
import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, parseJsonObject, printJson } from '../context.ts';
import { UsageError } from '../exit-codes.ts';

interface AddFlags {
  data: string;
  priority?: number;
  delay?: number;
  attempts?: number;
  key?: string;
  follow?: true;
  timeout: number;
  json?: true;
}

export function addJobsCommands(program: Command, context: Context): void {
  const jobs = program.command('jobs').description('add, look at and follow jobs');

  jobs
    .command('add <type>')
    .description('add a job; its queue follows from its type')
    .requiredOption('--data <json>', 'payload')
    .option('--priority <1-10>', '10 is the highest', parseInteger('--priority'))
    .option('--delay <ms>', 'start this much later', parseInteger('--delay'))
    .option('--attempts <n>', 'attempts in all', parseInteger('--attempts'))
    .option('--key <key>', 'idempotency key; without one, every call makes a job')
    .option('--follow', 'wait for its end')
    .option('--timeout <seconds>', 'with --follow: longest wait', parseInteger('--timeout'), 300)
    .option('--json', 'print the job as JSON')
    .addHelpText(
      'after',
      `\nExamples:
  queuectl jobs add send-sms --data '{"to":"+41791234567","body":"Doors at 7"}'
  queuectl jobs add payment-process --key order-1042 --follow \\
    --data '{"orderId":"order-1042","amount":4900,"currency":"eur","paymentMethodId":"pm_card_visa"}'`,
    )
    .action(async (type: string, flags: AddFlags) => {
      if (!isJobType(type)) throw new UsageError(`${type} is not a job type`);
      const { priority, delay, attempts, key } = flags;
      // Its fields are checked by the API, which names every bad one.
      const data = parseJsonObject('--data', flags.data) as unknown as JobInput<JobType>;
      const job = await clientOf(context.env).jobs.add<JobType>(type, data, {
        signal: context.signal,
        ...(priority === undefined ? {} : { priority }),
        ...(delay === undefined ? {} : { delayMs: delay }),
        ...(attempts === undefined ? {} : { attempts }),
        ...(key === undefined ? {} : { idempotencyKey: key }),
      });
      if (flags.follow) await follow(context, job.id, flags);
      else show(context, job, flags.json);
    });

  jobs
    .command('get <id>')
    .description('one job')
    .option('--json', 'print the job as JSON')
    .addHelpText('after', '\nExample:\n  queuectl jobs get 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f --json')
    .action(async (id: string, flags: { json?: true }) => {
      show(context, await clientOf(context.env).jobs.get(id, { signal: context.signal }), flags.json);
    });

  jobs
    .command('follow <id>')
    .description('wait for the end of a job; ends with 5 when it failed, with 6 when it takes too long')
    .option('--timeout <seconds>', 'longest wait', parseInteger('--timeout'), 300)
    .option('--json', 'print the job as JSON')
    .addHelpText('after', '\nExample:\n  queuectl jobs follow 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f --timeout 60')
    .action((id: string, flags: { timeout: number; json?: true }) => follow(context, id, flags));
}

async function follow(context: Context, id: string, flags: { timeout: number; json?: true }): Promise<void> {
  const { jobs } = clientOf(context.env);
  try {
    await jobs.waitFor(id, { timeoutMs: flags.timeout * 1_000, signal: context.signal });
  } catch (error) {
    if (error instanceof JobFailedError) show(context, error.job, flags.json);
    throw error;
  }
  show(context, await jobs.get(id, { signal: context.signal }), flags.json);
}

type Shown = Omit<JobResource, 'result'> & { result: unknown };

function show(context: Context, job: Shown, json: true | undefined): void {
  if (json) {
    printJson(context, job);
    return;
  }
  const rows: [string, string | null][] = [
    ['id', job.id],
    ['type', `${job.type} (${job.queue})`],
    ['status', job.status],
    ['attempts', `${job.attempts} of ${job.maxAttempts}`],
    ['created', job.createdAt],
    ['finished', job.finishedAt],
    ['result', job.result === null ? null : JSON.stringify(job.result)],
    ['error', job.error === null ? null : `${job.error.code}: ${job.error.message}`],
  ];
  for (const [name, value] of rows) {
    if (value !== null) context.print(`${name.padEnd(9)} ${value}`);
  }
}
