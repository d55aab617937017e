import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Sends `signal` to a child when this process ends without a chance to do it itself (kill -9, a crash). A shell waits for
 * its standard input to close, which the kernel does for us then. It goes away with the child.
 */
export function dieWithThisProcess(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  const guard = spawn('/bin/sh', ['-c', `read -r _; kill -s ${signal.slice(3)} ${child.pid} 2>/dev/null`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  child.once('exit', () => guard.kill('SIGKILL'));
}
