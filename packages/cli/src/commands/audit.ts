import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, printJson, tellOfMore, upTo } from '../context.ts';
import { printTable } from '../terminal.ts';

interface Flags {
  actor?: string;
  action?: string;
  resource?: string;
  id?: string;
  limit: number;
  json?: true;
}

export function addAuditCommand(program: Command, context: Context): void {
  program
    .command('audit')
    .description('who did what, newest first')
    .option('--actor <sub>', 'only what this one did')
    .option('--action <action>', 'only this, such as queue.pause')
    .option('--resource <kind>', 'only to things of this kind, such as dead-letter')
    .option('--id <id>', 'only to this one')
    .option('--limit <n>', 'at most', parseInteger('--limit'), 50)
    .option('--json', 'print the entries as JSON, with what was before and after')
    .addHelpText('after', '\nExamples:\n  queuectl audit --limit 20\n  queuectl audit --actor ada --action queue.pause')
    .action(async (flags: Flags) => {
      const { actor, action, resource, id: resourceId } = flags;
      const { auditLog } = clientOf(context.env);
      const { items, more } = await upTo(flags.limit, async (page) => {
        const query = { actor, action, resource, resourceId, ...page };
        const { entries, nextCursor } = await auditLog.list(query, { signal: context.signal });
        return { items: entries, nextCursor };
      });
      if (flags.json) {
        printJson(context, items);
        return;
      }
      const rows = items.map((entry) => [
        ...[entry.createdAt, entry.actor, entry.action, `${entry.resource} ${entry.resourceId ?? ''}`.trim()],
        entry.tenantId,
      ]);
      printTable(context, ['WHEN', 'WHO', 'WHAT', 'TO', 'TENANT'], rows);
      tellOfMore(context, more);
    });
}
