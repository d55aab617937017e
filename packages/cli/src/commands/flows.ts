import { readFile } from 'node:fs/promises';
import type { FlowInput, FlowResource } from '@queue-service/client';
import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, parseJsonObject, printJson, tellOfMore, upTo } from '../context.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { printTable } from '../terminal.ts';
import { flowTree } from './flow-tree.ts';

interface CreateFlags {
  file?: string;
  template?: string;
  input?: string;
  key?: string;
  follow?: true;
  timeout: number;
  json?: true;
}

export function addFlowsCommands(program: Command, context: Context): void {
  const flows = program.command('flows').description('start, look at and follow workflows');

  flows
    .command('create')
    .description('start a workflow, from a file or from a template')
    .option('--file <path>', 'JSON with name and steps')
    .option('--template <name>', 'a ready-made flow, with --input')
    .option('--input <json>', 'input of the template')
    .option('--key <key>', 'idempotency key; without one, every call makes a flow')
    .option('--follow', 'wait for its end')
    .option('--timeout <seconds>', 'with --follow: longest wait', parseInteger('--timeout'), 300)
    .option('--json', 'print the flow as JSON')
    .addHelpText(
      'after',
      `\nExamples:
  queuectl flows create --file purchase.json --key order-1042
  queuectl flows create --template ticket-purchase --input "$(cat input.json)"`,
    )
    .action(async (flags: CreateFlags) => {
      const flow = await readFlow(flags);
      const options = flags.key === undefined ? flow.options : { ...flow.options, idempotencyKey: flags.key };
      const input = { ...flow, ...(options === undefined ? {} : { options }) };
      const made = await clientOf(context.env).flows.create(input, { signal: context.signal });
      if (flags.follow) await follow(context, made.id, flags);
      else show(context, made, flags.json);
    });

  flows
    .command('follow <id>')
    .description('wait for the end of a workflow; ends with 5 unless it completed, with 6 when it takes too long')
    .option('--timeout <seconds>', 'longest wait', parseInteger('--timeout'), 300)
    .option('--json', 'print the flow as JSON')
    .addHelpText('after', '\nExample:\n  queuectl flows follow 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f --timeout 60')
    .action((id: string, flags: { timeout: number; json?: true }) => follow(context, id, flags));

  flows
    .command('get <id>')
    .description('one workflow, drawn as a tree')
    .option('--json', 'print the flow as JSON')
    .addHelpText('after', '\nExample:\n  queuectl flows get 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f')
    .action(async (id: string, flags: { json?: true }) => {
      show(context, await clientOf(context.env).flows.get(id, { signal: context.signal }), flags.json);
    });

  flows
    .command('list')
    .description('newest first')
    .option('--limit <n>', 'at most', parseInteger('--limit'), 50)
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  queuectl flows list --limit 10')
    .action(async (flags: { limit: number; json?: true }) => {
      const api = clientOf(context.env).flows;
      const { items, more } = await upTo(flags.limit, async (page) => {
        const { flows: found, nextCursor } = await api.list(page, { signal: context.signal });
        return { items: found, nextCursor };
      });
      if (flags.json) {
        printJson(context, items);
        return;
      }
      const rows = items.map((flow) => [flow.id, flow.name, flow.status, flow.tenantId, flow.createdAt]);
      printTable(context, ['ID', 'NAME', 'STATUS', 'TENANT', 'CREATED'], rows);
      tellOfMore(context, more);
    });

  for (const [name, what] of [
    ['cancel', 'start none of its steps any more and undo what its policy says; what was sent stays sent'],
    ['retry', 'go on from the step that failed'],
  ] as const) {
    flows
      .command(`${name} <id>`)
      .description(what)
      .option('--json', 'print the flow as JSON')
      .addHelpText('after', `\nExample:\n  queuectl flows ${name} 0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f`)
      .action(async (id: string, flags: { json?: true }) => {
        show(context, await clientOf(context.env).flows[name](id, { signal: context.signal }), flags.json);
      });
  }
}

async function follow(context: Context, id: string, flags: { timeout: number; json?: true }): Promise<void> {
  const options = { timeoutMs: flags.timeout * 1_000, signal: context.signal };
  const flow = await clientOf(context.env).flows.waitFor(id, options);
  show(context, flow, flags.json);
  if (flow.status !== 'completed') context.fail(exitCodes.jobFailed);
}

async function readFlow({ file, template, input }: CreateFlags): Promise<FlowInput> {
  if ((file === undefined) === (template === undefined)) {
    throw new UsageError('exactly one of --file and --template is required');
  }
  // The API checks the flow and names every bad step.
  if (file === undefined) {
    return { template, input: parseJsonObject('--input', input ?? '{}') } as FlowInput;
  }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--file cannot be read: ${error.code ?? error.message}`);
  });
  return parseJsonObject('--file', text) as FlowInput;
}

function show(context: Context, flow: FlowResource, json: true | undefined): void {
  if (json) printJson(context, flow);
  else for (const line of flowTree(flow)) context.print(line);
}
