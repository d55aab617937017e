import { isJobType, type JobInput, type JobResource, type JobType, jobStatuses } from '@queue-service/client';
import type { Command } from 'commander';
import {
  type Context,
  clientOf,
  parseInteger,
  parseJsonObject,
  parseQueue,
  printJson,
  tellOfMore,
  upTo,
} from '../context.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { facts, printTable } from '../terminal.ts';

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

  addListCommand(jobs, context);
  addControlCommands(jobs, context);
}

function addListCommand(jobs: Command, context: Context): void {
  jobs
    .command('list')
    .description('newest first')
    .option('--queue <queue>', 'only of this queue')
    .option('--type <type>', 'only of this type')
    .option('--status <status>', jobStatuses.join(', '))
    .option('--limit <n>', 'at most', parseInteger('--limit'), 50)
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  queuectl jobs list --queue money --status failed')
    .action(async (flags: { queue?: string; type?: string; status?: string; limit: number; json?: true }) => {
      const status = jobStatuses.find((one) => one === flags.status);
      if (flags.status !== undefined && status === undefined)
        throw new UsageError(`--status ${flags.status} is not one of ${jobStatuses.join(', ')}`);
      if (flags.type !== undefined && !isJobType(flags.type)) throw new UsageError(`${flags.type} is not a job type`);
      const query = {
        ...(flags.queue === undefined ? {} : { queue: parseQueue(flags.queue) }),
        ...(flags.type === undefined ? {} : { type: flags.type }),
        ...(status === undefined ? {} : { status }),
      };
      const { jobs: api } = clientOf(context.env);
      const { items, more } = await upTo(flags.limit, async (page) => {
        const { jobs: found, nextCursor } = await api.list({ ...query, ...page }, { signal: context.signal });
        return { items: found, nextCursor };
      });
      if (flags.json) {
        printJson(context, items);
        return;
      }
      const rows = items.map((job) => [
        ...[job.id, job.type, job.status, `${job.attempts}/${job.maxAttempts}`, job.tenantId, job.createdAt],
        job.error?.code ?? '',
      ]);
      printTable(context, ['ID', 'TYPE', 'STATUS', 'TRIES', 'TENANT', 'CREATED', 'ERROR'], rows);
      tellOfMore(context, more);
    });
}

function addControlCommands(jobs: Command, context: Context): void {
  for (const [name, what] of [
    ['cancel', 'a waiting job ends at once, a running one through its abort signal; what was sent stays sent'],
    ['retry', 'start a failed job again; a money job looks first for what it did before'],
  ] as const) {
    jobs
      .command(`${name} <id>`)
      .description(what)
      .option('--follow', 'wait for its end')
      .option('--timeout <seconds>', 'with --follow: longest wait', parseInteger('--timeout'), 300)
      .option('--json', 'print the job as JSON')
      .addHelpText('after', `\nExample:\n  queuectl jobs ${name} 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f`)
      .action(async (id: string, flags: { follow?: true; timeout: number; json?: true }) => {
        const job = await clientOf(context.env).jobs[name](id, { signal: context.signal });
        if (flags.follow) await follow(context, id, flags);
        else show(context, job as Shown, flags.json);
      });
  }
}

async function follow(context: Context, id: string, flags: { timeout: number; json?: true }): Promise<void> {
  const options = { timeoutMs: flags.timeout * 1_000, signal: context.signal };
  const job = await clientOf(context.env).jobs.waitForEnd(id, options);
  show(context, job, flags.json);
  if (job.status !== 'completed') context.fail(exitCodes.jobFailed);
}

type Shown = Omit<JobResource, 'result'> & { result: unknown };

function show(context: Context, job: Shown, json: true | undefined): void {
  if (json) {
    printJson(context, job);
    return;
  }
  const lines = facts([
    ['id', job.id],
    ['type', `${job.type} (${job.queue})`],
    ['status', job.status],
    ['attempts', `${job.attempts} of ${job.maxAttempts}`],
    ['created', job.createdAt],
    ['finished', job.finishedAt],
    ['result', job.result === null ? null : JSON.stringify(job.result)],
    ['error', job.error === null ? null : `${job.error.code}: ${job.error.message}`],
  ]);
  for (const line of lines) context.print(line);
}
