import { findSuppressed, insertSuppression, type Sealer, type Sql } from '@queue-service/persistence';
import type { Suppressions } from '../suppressions.ts';
import { orComeBack } from './availability.ts';

/** Suppressions in PostgreSQL. */
export function databaseSuppressions(sql: Sql, sealer: Sealer): Suppressions {
  return {
    check: (tenantId, channel, addresses) =>
      orComeBack(() => findSuppressed(sql, sealer, tenantId, channel, addresses)),
    add: (tenantId, channel, entry) =>
      orComeBack(() => insertSuppression(sql, sealer, { ...entry, tenantId, channel })),
  };
}
