import { createInterface } from 'node:readline/promises';
import type { Context } from './context.ts';
import { UsageError } from './exit-codes.ts';

/** Columns as wide as their widest cell. Nothing for no rows but the heading. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** A list, or beside the answer that there is nothing in it. */
export function printTable(context: Context, head: readonly string[], rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) context.tell('Nothing to show');
  else for (const line of table(head, rows)) context.print(line);
}

/** `1 job`, `2 jobs`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Name and value in two columns; what is null is left out. */
export function facts(rows: readonly (readonly [string, string | number | null])[]): string[] {
  const shown = rows.filter(([, value]) => value !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)} ${value}`);
}

/**
 * Says what will be done and waits for a yes; `--yes` is a yes given before.
 * @throws UsageError where nobody can be asked, or the answer is no
 */
export async function confirm(context: Context, what: string, yes: boolean | undefined): Promise<void> {
  context.tell(what);
  if (yes) return;
  const { input, output } = context.person ?? {};
  if (input === undefined || output === undefined) throw new UsageError('nobody can be asked here: add --yes');
  const reading = createInterface({ input, output });
  try {
    const answer = await reading.question('Go on? [y/N] ', { signal: context.signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('nothing was done');
  } finally {
    reading.close();
  }
}

const barWidth = 30;

/** A bar that is redrawn in its line; for a person only. Call with `total` at the end. */
export function progressBar(context: Context, total: number): (done: number) => void {
  const output = context.person?.output;
  if (output === undefined || total === 0) return () => {};
  return (done) => {
    const filled = Math.round((Math.min(done, total) / total) * barWidth);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
    output.write(`\r${bar} ${done} of ${total}${done >= total ? '\n' : ''}`);
  };
}

/** Draws again and again over what was drawn, until Ctrl-C; below it where nobody watches. */
export async function watch(context: Context, everyMs: number, draw: () => Promise<readonly string[]>): Promise<void> {
  const output = context.person?.output;
  for (;;) {
    const lines = await draw();
    if (output === undefined) {
      for (const line of lines) context.print(line);
    } else {
      output.write(`\u001b[H\u001b[2J${lines.join('\n')}\n`);
    }
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        context.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, everyMs);
      context.signal.addEventListener('abort', done);
    });
    if (context.signal.aborted) return;
  }
}
