import { isDatabaseUnavailable } from '@queue-service/persistence';
import { DatabaseUnavailableError } from './new-job.ts';

/** Runs the work, telling an absent database apart from everything else. */
export async function whileDatabaseAvailable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isDatabaseUnavailable(error))
      throw new DatabaseUnavailableError('PostgreSQL cannot be reached', { cause: error });
    throw error;
  }
}
