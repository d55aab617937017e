#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Context } from './context.ts';

// Most of a command's time is compiling itself. Not in the folder for temporary files, where others could plant code.
enableCompileCache(join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'queuectl'));
const { queuectl } = await import('./queuectl.ts');

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new Error('interrupted; what was accepted goes on in the service')));
// `queuectl jobs list | head` has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

const context: Context = {
  env: process.env,
  print: (text) => process.stdout.write(`${text}\n`),
  tell: (text) => process.stderr.write(`${text}\n`),
  person: process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : undefined,
  fail: (code) => {
    process.exitCode = code;
  },
  signal: interrupt.signal,
};
await queuectl(process.argv, context);
