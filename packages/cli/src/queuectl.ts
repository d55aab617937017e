import { Command, CommanderError } from 'commander';
import { addAuditCommand } from './commands/audit.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDeadLetterCommands } from './commands/dead-letters.ts';
import { addFlowsCommands } from './commands/flows.ts';
import { addJobsCommands } from './commands/jobs.ts';
import { addQueueCommands } from './commands/queues.ts';
import { addReconcileCommand } from './commands/reconcile.ts';
import { addRedriveCommand } from './commands/redrive.ts';
import { addReportCommands } from './commands/reports.ts';
import { addScheduleCommands } from './commands/schedules.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTokenCommand } from './commands/token.ts';
import type { Context } from './context.ts';
import { exitCodes, exitCodesHelp, explain } from './exit-codes.ts';

/** Runs one command line: tells what went wrong, and with which code the process ends. Never throws. */
export async function queuectl(argv: readonly string[], context: Context): Promise<void> {
  const program = new Command('queuectl')
    .description('Steer the queue service from a terminal')
    .exitOverride()
    .showHelpAfterError('(add --help for examples)')
    .addHelpText(
      'after',
      `
Variables:
  QUEUE_URL    where the API is (default http://localhost:3011)
  QUEUE_TOKEN  bearer token
  JWT_SECRET   only for queuectl token
${exitCodesHelp}

Examples:
  export QUEUE_TOKEN=$(queuectl token --tenant venue-1)
  queuectl jobs add send-sms --data '{"to":"+41791234567","body":"Doors at 7"}' --follow
  queuectl status --watch
  queuectl dead-letters list --queue money
  queuectl redrive --all --queue money --dry-run`,
    );

  addTokenCommand(program, context);
  addJobsCommands(program, context);
  addFlowsCommands(program, context);
  addStatusCommand(program, context);
  addQueueCommands(program, context);
  addDeadLetterCommands(program, context);
  addScheduleCommands(program, context);
  addRedriveCommand(program, context);
  addReconcileCommand(program, context);
  addReportCommands(program, context);
  addAuditCommand(program, context);
  addCompletionCommand(program, context);

  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has already told what is wrong; help asked for is no error.
      context.fail(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
    } else {
      const { code, lines } = explain(error);
      for (const line of lines) context.tell(`queuectl: ${line}`);
      context.fail(code);
    }
  }
}
