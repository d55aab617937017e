import { spawn } from 'node:child_process';

/** A step that did not work; the message is all that the user needs. */
export class StepFailed extends Error {}

/** @param {number} since */
function seconds(since) {
  const elapsed = (Date.now() - since) / 1000;
  return `${elapsed < 10 ? elapsed.toFixed(1) : Math.round(elapsed)} s`;
}

/**
 * Runs a program and keeps its output back unless it fails.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<string>} what it wrote to standard output
 */
export function run(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let all = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      all += chunk;
    });
    child.stderr.on('data', (chunk) => {
      all += chunk;
    });
    child.once('error', (error) => reject(new StepFailed(`${file}: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new StepFailed(`${[file, ...args].join(' ')} ended with ${signal ?? code}\n${all.trim()}`));
    });
  });
}

/**
 * Tells what is going on and how long it took: `installing Node 24 … 9.1 s`.
 * @template T
 * @param {string} label
 * @param {{ quick?: boolean }} options quick: says nothing unless it takes longer than a second, for mostly there is nothing to do
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(label, { quick = false }, work) {
  const started = Date.now();
  const say = (/** @type {string} */ text) => process.stderr.write(text);
  let announced = false;
  const announce = () => {
    announced = true;
    say(`${label} … `);
  };
  const later = quick ? setTimeout(announce, 1000) : undefined;
  if (!quick) announce();
  try {
    const result = await work();
    if (announced) say(`${seconds(started)}\n`);
    return result;
  } catch (error) {
    if (announced) say('failed\n');
    throw error;
  } finally {
    clearTimeout(later);
  }
}

/**
 * Runs the program that all this was for, in the terminal. Signals go on to it, and its end decides ours: leaving first
 * would give the prompt back while it still shuts down.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} its exit code
 */
export function runInForeground(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: 'inherit' });
    for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
      process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
