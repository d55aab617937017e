import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { countsLine, countTests, readReport } from './counts.ts';

/**
 * `npm test`: lint, types, then the suite. `npm test -- <vitest arguments>` runs only what they say.
 * The last line has the counts; the exit code is 0 only when nothing failed.
 */
const root = join(import.meta.dirname, '../..');
const report = join(root, '.cache', 'test-report.json');

function run(file: string, args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function main(args: string[]): Promise<number> {
  const checks = { passed: 0, failed: 0 };
  const check = async (label: string, commandLine: string[]) => {
    console.log(`\n${label}`);
    const code = await run('pnpm', ['exec', ...commandLine]);
    if (code === 0) checks.passed += 1;
    else checks.failed += 1;
  };
  if (args.length === 0) {
    await check('lint', ['biome', 'check', '.', '--error-on-warnings']);
    await check('types', ['turbo', 'run', 'typecheck', 'typecheck:scripts', '--continue', '--output-logs=errors-only']);
  }
  await mkdir(join(root, '.cache'), { recursive: true });
  await rm(report, { force: true });
  const code = await run('pnpm', [
    'exec',
    'vitest',
    'run',
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ...args,
  ]);
  const counts = countTests(await readReport(report), code);
  const total = { ...counts, passed: counts.passed + checks.passed, failed: counts.failed + checks.failed };
  console.log(`\n${countsLine(total)}`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
