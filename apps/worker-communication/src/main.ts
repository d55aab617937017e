import { CIRCUIT_STATES } from '@queue-service/observability';
import { runFleet } from '@queue-service/queue';
import { circuitIncidents } from './circuit-incidents.ts';
import { readConfig } from './config.ts';
import { databaseDeliveries } from './database/deliveries.ts';
import { databaseSuppressions } from './database/suppressions.ts';
import { createFleetLimiter } from './fleet-limiter.ts';
import { createCommunicationHandlers } from './handlers.ts';

const config = readConfig(process.env);

await runFleet({
  name: 'worker-communication',
  queue: 'communication',
  config,
  process,
  handlers: ({ runtime, metrics, log, shutdown }) => {
    const tellCircuit = circuitIncidents(runtime.db, log);
    const { handlers, close } = createCommunicationHandlers(config, {
      suppressions: databaseSuppressions(runtime.db, runtime.sealer),
      deliveries: databaseDeliveries(runtime.db, runtime.sealer),
      limiter: createFleetLimiter(runtime.connections.of('communication').redis, config.QUEUE_PREFIX),
      onCircuit: (provider, state) => {
        metrics.circuitState.set({ provider }, CIRCUIT_STATES[state]);
        log.warn({ provider, state }, 'The circuit of a provider has changed');
        tellCircuit(provider, state);
      },
      onWebhookTry: (outcome) => metrics.webhookDeliveries.inc({ outcome }),
    });
    shutdown.register('providers', close);
    return handlers;
  },
});
