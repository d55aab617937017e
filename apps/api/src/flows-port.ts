import { type FlowRow, insertAudit, type Sql } from '@queue-service/persistence';
import { type FlowNote, type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { auditEntry, type Change } from './audit.ts';
import { Problem } from './http/problem.ts';
import type { Flows } from './ports.ts';

/** Flows of the runtime, as the routes need them: changes are audited with what they change. */
export function flowsPort(runtime: Runtime): Flows {
  const { flows, ends, cancelFlow, retryFlow } = runtime;
  return {
    create: async (request) => {
      const answer = await whileDatabaseAvailable(() => flows.create(request));
      if (answer.outcome !== 'created') return answer;
      // Committed: what does not reach Redis now is dispatched by the relay.
      await ends.followUp(answer.due);
      return { outcome: 'created', flow: answer.flow };
    },
    find: (id, scope) => whileDatabaseAvailable(() => flows.find(id, scope)),
    list: (filter, scope, page) => whileDatabaseAvailable(() => flows.list(filter, scope, page)),

    cancel: async (id, change) => {
      const done = await whileDatabaseAvailable(() => cancelFlow(id, change.actor.scope, audited(change, 'cancel')));
      switch (done.outcome) {
        case 'cancelled':
          return done.flow;
        case 'ended':
          throw new Problem('conflict', { detail: `The flow is ${done.status}` });
        case 'not_found':
          throw new Problem('not_found');
      }
    },

    retry: async (id, change) => {
      const { actor } = change;
      const done = await whileDatabaseAvailable(() =>
        retryFlow({ flowId: id }, actor.scope, actor.principal.subject, audited(change, 'retry')),
      );
      switch (done.outcome) {
        case 'retried':
          return done.flow;
        case 'refused':
          throw new Problem('conflict', { detail: done.reason });
        case 'not_found':
          throw new Problem('not_found');
      }
    },
  };
}

function audited(change: Change, action: string): FlowNote {
  return (sql: Sql, before: FlowRow, after: FlowRow) =>
    insertAudit(sql, [
      auditEntry(change, {
        ...{ action: `flow.${action}`, resource: 'flow', resourceId: before.id, tenantId: before.tenantId },
        before: { status: before.status },
        after: { status: after.status },
      }),
    ]);
}
