import { ProblemError, type QueueStats } from '@queue-service/client';
import type { Command } from 'commander';
import { type Context, clientOf, printJson } from '../context.ts';
import { MissingRouteError } from '../exit-codes.ts';

export function addStatusCommand(program: Command, context: Context): void {
  program
    .command('status')
    .description('the queues: counts, oldest waiting job, jobs a minute')
    .option('--json', 'print the queues as JSON')
    .addHelpText('after', '\nExample:\n  queuectl status --json')
    .action(async (flags: { json?: true }) => {
      const queues = await list(context);
      if (flags.json) printJson(context, queues);
      else for (const line of table(queues)) context.print(line);
    });
}

async function list(context: Context): Promise<QueueStats[]> {
  try {
    return await clientOf(context.env).queues.list({ signal: context.signal });
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) {
      throw new MissingRouteError(
        'This API has no GET /queues: it is older than this queuectl, or QUEUE_URL is not the API',
      );
    }
    throw error;
  }
}

function table(queues: readonly QueueStats[]): string[] {
  const head = ['QUEUE', 'STATE', 'WAITING', 'ACTIVE', 'DELAYED', 'OLDEST', 'IN/MIN', 'DONE/MIN', 'FAILED/MIN'];
  const rows = queues.map((queue) => [
    queue.queue,
    queue.paused ? 'paused' : 'running',
    String(queue.waiting),
    String(queue.active),
    String(queue.delayed),
    `${Math.round(queue.oldestWaitingMs / 1_000)}s`,
    ...[queue.rates.enqueued, queue.rates.completed, queue.rates.failed].map((rate) => rate.toFixed(1)),
  ]);
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
