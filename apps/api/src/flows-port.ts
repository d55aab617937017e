import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import type { Flows } from './ports.ts';

/** Flows of the runtime, as the routes need them. */
export function flowsPort(runtime: Runtime): Flows {
  const { flows, ends } = runtime;
  return {
    create: async ({ traceparent: _, ...request }) => {
      const answer = await whileDatabaseAvailable(() => flows.create(request));
      if (answer.outcome !== 'created') return answer;
      // Committed: what does not reach Redis now is dispatched by the relay.
      await ends.followUp({ money: answer.move.inserted, flowIds: [answer.flow.id], deliveries: [], cancelJobs: [] });
      return { outcome: 'created', flow: answer.flow };
    },
    find: (id, scope) => whileDatabaseAvailable(() => flows.find(id, scope)),
    list: (filter, scope, page) => whileDatabaseAvailable(() => flows.list(filter, scope, page)),
  };
}
