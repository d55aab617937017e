import type { Command } from 'commander';
import { type Context, clientOf, parseInteger, printJson } from '../context.ts';
import { table } from '../terminal.ts';

export function addAuditCommand(program: Command, context: Context): void {
  program
    .command('audit')
    .description('who did what, newest first')
    .option('--limit <n>', 'at most', parseInteger('--limit'), 50)
    .option('--json', 'print the entries as JSON, with what was before and after')
    .addHelpText('after', '\nExample:\n  queuectl audit --limit 20')
    .action(async (flags: { limit: number; json?: true }) => {
      const query = { limit: flags.limit };
      const { entries } = await clientOf(context.env).auditLog.list(query, { signal: context.signal });
      if (flags.json) {
        printJson(context, entries);
        return;
      }
      const rows = entries.map((entry) => [
        ...[entry.createdAt, entry.actor, entry.action, `${entry.resource} ${entry.resourceId ?? ''}`.trim()],
        entry.tenantId,
      ]);
      for (const line of table(['WHEN', 'WHO', 'WHAT', 'TO', 'TENANT'], rows)) context.print(line);
    });
}
