import { ProblemError, type QueueStats } from '@queue-service/client';
import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, printJson } from '../context.ts';
import { RefusedError } from '../exit-codes.ts';
import { table, watch } from '../terminal.ts';

export function addStatusCommand(program: Command, context: Context): void {
  program
    .command('status')
    .description('the queues: counts, oldest waiting job, jobs a minute')
    .option('--json', 'print the queues as JSON')
    .option('--watch', 'draw it again until Ctrl-C')
    .option('--every <seconds>', 'with --watch', parseInteger('--every'), 2)
    .addHelpText('after', '\nExamples:\n  queuectl status --json\n  queuectl status --watch --every 5')
    .action(async (flags: { json?: true; watch?: true; every: number }) => {
      if (flags.watch) {
        await watch(context, Math.max(1, flags.every) * 1_000, async () => draw(await list(context)));
        return;
      }
      const queues = await list(context);
      if (flags.json) printJson(context, queues);
      else for (const line of draw(queues)) context.print(line);
    });
}

async function list(context: Context): Promise<QueueStats[]> {
  try {
    return await clientOf(context.env).queues.list({ signal: context.signal });
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) {
      throw new RefusedError(
        'This API has no GET /queues: it is older than this queuectl, or QUEUE_URL is not the API',
      );
    }
    throw error;
  }
}

function draw(queues: readonly QueueStats[]): string[] {
  return table(
    ['QUEUE', 'STATE', 'WAITING', 'ACTIVE', 'DELAYED', 'OLDEST', 'IN/MIN', 'DONE/MIN', 'FAILED/MIN'],
    queues.map((queue) => [
      queue.queue,
      queue.paused ? 'paused' : 'running',
      String(queue.waiting),
      String(queue.active),
      String(queue.delayed),
      queue.waiting === 0 ? '-' : `${Math.round(queue.oldestWaitingMs / 1_000)}s`,
      ...[queue.rates.enqueued, queue.rates.completed, queue.rates.failed].map((rate) => rate.toFixed(1)),
    ]),
  );
}
