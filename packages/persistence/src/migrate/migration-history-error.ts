/** The state of the migrations forbids to go on. `migrations` names the ones at fault. */
export class MigrationHistoryError extends Error {
  readonly code: 'migration_failed' | 'migration_edited';
  readonly migrations: string[];

  constructor(code: MigrationHistoryError['code'], migrations: string[], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MigrationHistoryError';
    this.code = code;
    this.migrations = migrations;
  }

  /** Failed in an earlier run. */
  static failed(names: string[]): MigrationHistoryError {
    return new MigrationHistoryError(
      'migration_failed',
      names,
      `Migration ${names.join(', ')} failed in an earlier run and is not applied (the reason is in "logs" of the table _prisma_migrations). When its cause is mended, run "pnpm db:migrate --rolled-back <name>" and apply again.`,
    );
  }

  /** Its file is not what was applied. */
  static edited(names: string[]): MigrationHistoryError {
    return new MigrationHistoryError(
      'migration_edited',
      names,
      `Migration ${names.join(', ')} was changed after it was applied. Restore the file and put the change into a new migration.`,
    );
  }

  /** Fails now. The engine's error holds PostgreSQL's message and, in its trace, the migration's name. */
  static failing(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const name = /migration_name="([^"]+)"/.exec(error.message)?.[1];
    if (name === undefined) return error;
    const reason = error.message
      .split(/\n\s+0: /, 1)
      .join('')
      .replace(/^external connector error\n/, '');
    return new MigrationHistoryError('migration_failed', [name], `Migration ${name} failed: ${reason}`, {
      cause: error,
    });
  }
}
