import {
  type SetTenantLimits,
  setTenantLimitsSchema,
  type TenantLimitsResource,
  tenantLimitsAnswerSchema,
} from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  findTenant,
  insertAudit,
  setTenantLimits,
  type TenantLimits,
  type TenantRow,
} from '@queue-service/persistence';
import { publishLimits, type Runtime, readLimits, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry, type Change } from '../audit.ts';
import { tenantIdSchema } from '../auth/principal.ts';
import { jsonBody, type Route, route } from '../http/route.ts';

const params = z.object({ id: tenantIdSchema });
const defaults = { weight: 1, maxRunning: null, maxPerSecond: null, updatedBy: null, updatedAt: null };

export function tenantRoutes({ db, connections }: Pick<Runtime, 'db' | 'connections'>, log: Logger): Route[] {
  const set = async (tenantId: string, limits: SetTenantLimits, change: Change): Promise<TenantRow> => {
    const row = await whileDatabaseAvailable(() =>
      db.transaction(async (sql) => {
        const before = await findTenant(sql, tenantId, true);
        const after = await setTenantLimits(sql, { tenantId, ...limits }, change.actor.principal.subject);
        await insertAudit(sql, [
          auditEntry(change, {
            ...{ action: 'tenant.limits', resource: 'tenant', resourceId: tenantId, tenantId },
            before: limitsOf(before ?? { tenantId, ...defaults }),
            after: limitsOf(after),
          }),
        ]);
        return after;
      }),
    );
    try {
      const known = await readLimits(db);
      await Promise.all(connections.all.map((connection) => publishLimits(connection, known)));
    } catch (err) {
      log.warn({ err, tenantId }, 'Not every queue was told of new limits; its workers find them within seconds');
    }
    return row;
  };

  return [
    route({
      method: 'get',
      path: '/tenants/:id/limits',
      access: 'admin',
      summary: "A tenant's weight and caps; the defaults for one that has none",
      params,
      answers: { 200: tenantLimitsAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id } }) => {
        const row = await whileDatabaseAvailable(() => findTenant(db, id));
        return { status: 200, body: { limits: resource(row ?? { tenantId: id, ...defaults }) } };
      },
    }),

    route({
      method: 'put',
      path: '/tenants/:id/limits',
      access: 'admin',
      summary: "Set a tenant's weight and caps, for jobs that start from now on",
      params,
      body: jsonBody(setTenantLimitsSchema),
      answers: { 200: tenantLimitsAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, body, ...change }) => {
        return { status: 200, body: { limits: resource(await set(id, body, change)) } };
      },
    }),
  ];
}

function limitsOf({ weight, maxRunning, maxPerSecond }: TenantLimits) {
  return { weight, maxRunning, maxPerSecond };
}

function resource(row: TenantLimits & { updatedBy: string | null; updatedAt: Date | null }): TenantLimitsResource {
  const { tenantId, updatedBy, updatedAt } = row;
  return { tenantId, ...limitsOf(row), updatedBy, updatedAt: updatedAt?.toISOString() ?? null };
}
