// `npm start` and `npm test` on a machine that has Node and npm and nothing else: puts what is missing under .cache/ and
// hands over to TypeScript on Node 24. Plain JavaScript for Node 18, and no packages: it runs before any is installed.

import { ensureNode } from './bootstrap/ensure-node.mjs';
import { ensurePnpm } from './bootstrap/ensure-pnpm.mjs';
import { environment } from './bootstrap/environment.mjs';
import { installDependencies } from './bootstrap/install-dependencies.mjs';
import { root } from './bootstrap/paths.mjs';
import { run, runInForeground, StepFailed, step } from './bootstrap/steps.mjs';

/** @type {Record<string, string>} */
const COMMANDS = { start: 'scripts/start/main.ts', test: 'scripts/testing/main.ts' };

/** @param {string[]} given */
async function main([command = '', ...args]) {
  const entry = COMMANDS[command];
  if (entry === undefined) throw new StepFailed('Usage: node scripts/bootstrap.mjs start|test [arguments]');
  const base = await environment(process.env);
  const node = await ensureNode(base);
  const env = await ensurePnpm(node, base);
  await installDependencies(node, env);
  await step('generating the database client', { quick: true }, () =>
    run(node, ['scripts/generate.mjs'], { cwd: root, env }),
  );
  return runInForeground(node, [entry, ...args], { cwd: root, env });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error instanceof StepFailed ? error.message : error);
    process.exitCode = 1;
  },
);
