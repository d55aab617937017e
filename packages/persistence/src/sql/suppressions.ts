import { randomUUID } from 'node:crypto';
import type { Sql } from '../database.ts';
import type { Sealer } from '../sealing/sealer.ts';
import { conditions, type ListPosition } from './conditions.ts';

/** The ways a person can be written to. */
export type SuppressionChannel = 'email' | 'sms' | 'push';

/** Found by a keyed hash of the address, which itself is sealed. */
export interface SuppressionRow {
  id: string;
  tenantId: string;
  channel: SuppressionChannel;
  /** Sealed. */
  address: unknown;
  reason: string;
  source: string;
  createdAt: Date;
}

const columns = `s.id, s.tenant_id AS "tenantId", s.channel, s.address, s.reason, s.source, s.created_at AS "createdAt"`;

/** Mailboxes do not tell upper from lower case in practice; numbers (E.164) and push targets are taken as they are. */
export function suppressionHash(sealer: Sealer, channel: SuppressionChannel, address: string): Buffer {
  return sealer.hash(channel === 'email' ? address.toLowerCase() : address);
}

/** Those of `addresses`, as they are given, that the tenant does not write to any more. */
export async function findSuppressed(
  sql: Sql,
  sealer: Sealer,
  tenantId: string,
  channel: SuppressionChannel,
  addresses: readonly string[],
): Promise<{ address: string; reason: string }[]> {
  const byHash = new Map(
    addresses.map((address) => [suppressionHash(sealer, channel, address).toString('hex'), address]),
  );
  const rows = await sql.query<{ hash: string; reason: string }>(
    'find-suppressed',
    `SELECT encode(hash, 'hex') AS hash, reason FROM suppressions
     WHERE tenant_id = $1 AND channel = $2 AND hash = ANY (SELECT decode(h, 'hex') FROM unnest($3::text[]) h)`,
    [tenantId, channel, [...byHash.keys()]],
  );
  return rows.flatMap(({ hash, reason }) => {
    const address = byHash.get(hash);
    return address === undefined ? [] : [{ address, reason }];
  });
}

/** Adding what is there already changes nothing. @param entry.source who told */
export async function insertSuppression(
  sql: Sql,
  sealer: Sealer,
  entry: { tenantId: string; channel: SuppressionChannel; address: string; reason: string; source: string },
): Promise<void> {
  const { tenantId, channel, address, reason, source } = entry;
  await sql.query(
    'insert-suppression',
    `INSERT INTO suppressions (id, tenant_id, channel, hash, address, reason, source)
     VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7) ON CONFLICT (tenant_id, channel, hash) DO NOTHING`,
    [
      randomUUID(),
      tenantId,
      channel,
      suppressionHash(sealer, channel, address),
      JSON.stringify(sealer.sealValue(address)),
      reason,
      source,
    ],
  );
}

/** Newest first, after a position. @param filter.hash of {@link suppressionHash}, for one address */
export async function listSuppressions(
  sql: Sql,
  filter: { tenantId: string | null; channel?: string | undefined; hash?: Buffer | undefined },
  after: ListPosition | null,
  limit: number,
): Promise<SuppressionRow[]> {
  const where = conditions('s', { tenantId: filter.tenantId }, after);
  const values = [...where.values];
  const parts = where.text === '' ? [] : [where.text.slice('WHERE '.length)];
  for (const [column, value] of Object.entries({ channel: filter.channel, hash: filter.hash })) {
    if (value === undefined) continue;
    values.push(value);
    parts.push(`s.${column} = $${values.length}`);
  }
  const name = [where.name, filter.channel && 'channel', filter.hash && 'hash'].filter(Boolean).join('-');
  return sql.query(
    `list-suppressions-${name}`,
    `SELECT ${columns} FROM suppressions s ${parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`}
     ORDER BY s.created_at DESC, s.id DESC LIMIT $${values.length + 1}`,
    [...values, limit],
  );
}

/** Makes an address one that is written to again; null when there is no such entry, or it is somebody else's. */
export async function deleteSuppression(sql: Sql, id: string, tenantId: string | null): Promise<SuppressionRow | null> {
  const [row] = await sql.query<SuppressionRow>(
    'delete-suppression',
    `DELETE FROM suppressions s WHERE s.id = $1::uuid AND ($2::text IS NULL OR s.tenant_id = $2) RETURNING ${columns}`,
    [id, tenantId],
  );
  return row ?? null;
}
