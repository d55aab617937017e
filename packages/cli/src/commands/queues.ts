import { type QueueName, type QueueStats, queueNames } from '@queue-service/client';
import type { Command } from 'commander';
import { type Context, clientOf, parseQueue, printJson } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { confirm } from '../terminal.ts';

interface Flags {
  all?: true;
  yes?: true;
  json?: true;
}

export function addQueueCommands(program: Command, context: Context): void {
  for (const { name, what, done } of [
    { name: 'pause', what: 'start no more jobs of a queue; running ones go on, new ones are accepted', done: 'paused' },
    { name: 'resume', what: 'start the jobs of a queue again', done: 'resumed' },
  ] as const) {
    program
      .command(`${name} [queue]`)
      .description(what)
      .option('--all', `all queues: ${queueNames.join(', ')}`)
      .option('--yes', 'do not ask')
      .option('--json', 'print the queues as JSON')
      .addHelpText('after', `\nExamples:\n  queuectl ${name} money\n  queuectl ${name} --all --yes`)
      .action(async (queue: string | undefined, flags: Flags) => {
        const chosen = chosenQueues(queue, flags);
        const { queues } = clientOf(context.env);
        const states = await queues.list({ signal: context.signal });
        const waiting = chosen.map(
          (one) => `${one} (${states.find((state) => state.queue === one)?.waiting ?? 0} waiting)`,
        );
        await confirm(context, `Will ${name} ${waiting.join(', ')}`, flags.yes ?? (flags.all ? undefined : true));
        const after: QueueStats[] = [];
        for (const one of chosen) {
          after.push(await queues[name](one, { signal: context.signal }));
          if (!flags.json) context.print(`${one} ${done}`);
        }
        if (flags.json) printJson(context, after);
      });
  }
}

function chosenQueues(queue: string | undefined, flags: Flags): readonly QueueName[] {
  if ((queue === undefined) === (flags.all === undefined)) throw new UsageError('name a queue, or give --all');
  return queue === undefined ? queueNames : [parseQueue(queue)];
}
