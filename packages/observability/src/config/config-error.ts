/** One thing that is wrong with the environment. `reason` never holds the variable's value. */
export interface ConfigProblem {
  /** Name of the variable, or of several joined by a comma. */
  readonly variable: string;
  readonly reason: string;
}

/** The environment does not describe a process that can run. The message lists every problem, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'invalid_config';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ variable, reason }) => `  ${variable}: ${reason}`);
    super(`The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}
