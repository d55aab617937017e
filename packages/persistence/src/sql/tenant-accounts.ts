import type { Sql } from '../database.ts';

/** A connected account that a tenant may pay. */
export interface TenantAccountRow {
  tenantId: string;
  accountId: string;
  note: string | null;
  createdBy: string;
  createdAt: Date;
}

const columns = `a.tenant_id AS "tenantId", a.account_id AS "accountId", a.note, a.created_by AS "createdBy",
  a.created_at AS "createdAt"`;

/** By account id. */
export async function listTenantAccounts(sql: Sql, tenantId: string): Promise<TenantAccountRow[]> {
  return sql.query(
    'list-tenant-accounts',
    `SELECT ${columns} FROM tenant_accounts a WHERE a.tenant_id = $1 ORDER BY a.account_id`,
    [tenantId],
  );
}

/** Adds the account, or changes its note. */
export async function putTenantAccount(
  sql: Sql,
  account: Omit<TenantAccountRow, 'createdAt'>,
): Promise<TenantAccountRow> {
  const [row] = await sql.query<TenantAccountRow>(
    'put-tenant-account',
    `INSERT INTO tenant_accounts AS a (tenant_id, account_id, note, created_by) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, account_id) DO UPDATE SET note = EXCLUDED.note RETURNING ${columns}`,
    [account.tenantId, account.accountId, account.note, account.createdBy],
  );
  if (row === undefined) throw new Error('the account was not written');
  return row;
}

/** False when the tenant had no such account. */
export async function deleteTenantAccount(sql: Sql, tenantId: string, accountId: string): Promise<boolean> {
  const rows = await sql.query(
    'delete-tenant-account',
    'DELETE FROM tenant_accounts WHERE tenant_id = $1 AND account_id = $2 RETURNING account_id',
    [tenantId, accountId],
  );
  return rows.length > 0;
}

/** Whether the account is on the tenant's list now. */
export async function mayPayAccount(
  sql: Sql,
  { tenantId, accountId }: { tenantId: string; accountId: string },
): Promise<boolean> {
  const rows = await sql.query(
    'may-pay-account',
    'SELECT 1 FROM tenant_accounts WHERE tenant_id = $1 AND account_id = $2',
    [tenantId, accountId],
  );
  return rows.length > 0;
}
