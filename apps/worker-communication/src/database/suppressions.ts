import type { Sealer, Sql } from '@queue-service/persistence';
import { newId } from '@queue-service/queue';
import type { Channel, Suppressed, Suppressions } from '../suppressions.ts';
import { orComeBack } from './availability.ts';

/** Suppressions in PostgreSQL: found by a keyed hash of the address, which itself is sealed. */
export function databaseSuppressions(sql: Sql, sealer: Sealer): Suppressions {
  return {
    check: (tenantId, channel, addresses) =>
      orComeBack(async () => {
        const byHash = new Map(
          addresses.map((address) => [sealer.hash(normalized(channel, address)).toString('hex'), address]),
        );
        const rows = await sql.query<{ hash: string; reason: string }>(
          'check-suppressions',
          `SELECT encode(hash, 'hex') AS hash, reason FROM suppressions
           WHERE tenant_id = $1 AND channel = $2 AND hash = ANY (SELECT decode(h, 'hex') FROM unnest($3::text[]) h)`,
          [tenantId, channel, [...byHash.keys()]],
        );
        return rows.flatMap(({ hash, reason }): Suppressed[] => {
          const address = byHash.get(hash);
          return address === undefined ? [] : [{ address, reason }];
        });
      }),

    add: (tenantId, channel, { address, reason, source }) =>
      orComeBack(async () => {
        await sql.query(
          'add-suppression',
          `INSERT INTO suppressions (id, tenant_id, channel, hash, address, reason, source)
           VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7) ON CONFLICT (tenant_id, channel, hash) DO NOTHING`,
          [
            newId(),
            tenantId,
            channel,
            sealer.hash(normalized(channel, address)),
            JSON.stringify(sealer.sealValue(address)),
            reason,
            source,
          ],
        );
      }),
  };
}

/** Mailboxes do not tell upper from lower case in practice; numbers (E.164) and push targets are taken as they are. */
function normalized(channel: Channel, address: string): string {
  return channel === 'email' ? address.toLowerCase() : address;
}
