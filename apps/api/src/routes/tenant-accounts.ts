import {
  putTenantAccountSchema,
  type TenantAccountResource,
  tenantAccountAnswerSchema,
  tenantAccountIdSchema,
  tenantAccountListSchema,
} from '@queue-service/contracts';
import {
  deleteTenantAccount,
  insertAudit,
  listTenantAccounts,
  putTenantAccount,
  type TenantAccountRow,
} from '@queue-service/persistence';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry } from '../audit.ts';
import { tenantIdSchema } from '../auth/principal.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, type Route, route } from '../http/route.ts';

const ofTenant = z.object({ id: tenantIdSchema });
const ofAccount = z.object({ id: tenantIdSchema, accountId: tenantAccountIdSchema });

/** Which connected accounts the jobs of a tenant may pay. Only admins say so: a venue's token must not widen its own list. */
export function tenantAccountRoutes({ db }: Pick<Runtime, 'db'>): Route[] {
  const entry = (action: string, { id, accountId }: z.infer<typeof ofAccount>) => ({
    ...{ action, resource: 'tenant_account', resourceId: accountId, tenantId: id },
  });
  return [
    route({
      method: 'get',
      path: '/tenants/:id/accounts',
      access: 'admin',
      summary: 'Connected accounts that the jobs of a tenant may pay',
      params: ofTenant,
      answers: { 200: tenantAccountListSchema },
      problems: ['database_unavailable'],
      handler: async ({ params: { id } }) => {
        const rows = await whileDatabaseAvailable(() => listTenantAccounts(db, id));
        return { status: 200, body: { accounts: rows.map(accountResource) } };
      },
    }),

    route({
      method: 'put',
      path: '/tenants/:id/accounts/:accountId',
      access: 'admin',
      summary: 'Let the jobs of a tenant pay an account',
      params: ofAccount,
      body: jsonBody(putTenantAccountSchema),
      answers: { 200: tenantAccountAnswerSchema },
      problems: ['database_unavailable'],
      handler: async ({ params, body: { note = null }, actor, requestId }) => {
        const { id: tenantId, accountId } = params;
        const row = await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const stored = await putTenantAccount(sql, {
              ...{ tenantId, accountId, note },
              createdBy: actor.principal.subject,
            });
            await insertAudit(sql, [
              auditEntry({ actor, requestId }, { ...entry('accounts.allow', params), after: { note } }),
            ]);
            return stored;
          }),
        );
        return { status: 200, body: { account: accountResource(row) } };
      },
    }),

    route({
      method: 'delete',
      path: '/tenants/:id/accounts/:accountId',
      access: 'admin',
      summary: 'No longer let the jobs of a tenant pay an account',
      params: ofAccount,
      answers: { 204: null },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params, actor, requestId }) => {
        const removed = await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            if (!(await deleteTenantAccount(sql, params.id, params.accountId))) return false;
            await insertAudit(sql, [auditEntry({ actor, requestId }, entry('accounts.forbid', params))]);
            return true;
          }),
        );
        if (!removed) throw new Problem('not_found');
        return { status: 204, body: undefined };
      },
    }),
  ];
}

function accountResource({ createdAt, ...row }: TenantAccountRow): TenantAccountResource {
  return { ...row, createdAt: createdAt.toISOString() };
}
