import { describe, expect, test } from 'vitest';
import { countsLine, countTests, type TestReport } from './counts.ts';

function report(files: { status: string; tests: string[] }[]): TestReport {
  const all = files.flatMap((file) => file.tests);
  const count = (status: string) => all.filter((one) => one === status).length;
  return {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    numTodoTests: count('todo'),
    testResults: files.map((file) => ({
      status: file.status,
      assertionResults: file.tests.map((status) => ({ status })),
    })),
  };
}

describe('the counts of a test run', () => {
  test('are those of the report', () => {
    const counts = countTests(
      report([{ status: 'failed', tests: ['passed', 'passed', 'failed', 'pending', 'todo'] }]),
      1,
    );
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  test('count a file that could not be loaded as a failure', () => {
    const counts = countTests(
      report([
        { status: 'failed', tests: [] },
        { status: 'passed', tests: ['passed'] },
      ]),
      1,
    );
    expect(counts).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  test('count a file whose hook failed as a failure', () => {
    expect(countTests(report([{ status: 'failed', tests: ['pending'] }]), 1).failed).toBe(1);
  });

  test('never read "0 failed" when the run failed', () => {
    expect(countTests(report([{ status: 'passed', tests: ['passed'] }]), 1).failed).toBe(1);
    expect(countTests(undefined, 0).failed).toBe(1);
  });

  test('are one line, which names skipped tests only when there are any', () => {
    expect(countsLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed');
    expect(countsLine({ passed: 12, failed: 1, skipped: 3 })).toBe('12 passed, 1 failed, 3 skipped');
  });
});
