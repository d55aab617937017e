import { deliveryStatuses } from '@queue-service/contracts';
import { insertMessageEvents, insertSuppression, refreshDeliveries, suppressionHash } from '@queue-service/persistence';
import type { DeliveryEvent } from '@queue-service/providers';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';

/**
 * Takes in what a provider told of messages: each once, suppressions in the same transaction. A repeat changes nothing, but
 * the job's `delivery` is made anew also then, in case we died after the commit.
 * @returns how many were not known yet
 * @throws DatabaseUnavailableError; the provider then tells again
 */
export async function takeDeliveryEvents(
  { db, sealer }: Pick<Runtime, 'db' | 'sealer'>,
  events: readonly DeliveryEvent[],
): Promise<number> {
  if (events.length === 0) return 0;
  return whileDatabaseAvailable(async () => {
    const count = await db.transaction(async (sql) => {
      const stored = events.map(
        ({ provider, eventId, type, objectId, jobId, channel, recipient, kind, code, ...event }) => ({
          ...{ provider, eventId, type, objectId, jobId, occurredAt: event.occurredAt },
          payload: { kind, recipient: suppressionHash(sealer, channel, recipient).toString('hex'), code },
        }),
      );
      const fresh = new Set(await insertMessageEvents(sql, stored));
      for (const { eventId, tenantId, channel, recipient, suppress, provider } of events) {
        if (suppress === null || tenantId === null || !fresh.has(eventId)) continue;
        const entry = { tenantId, channel, address: recipient, reason: suppress, source: provider };
        await insertSuppression(sql, sealer, entry);
      }
      return fresh.size;
    });
    const jobIds = [...new Set(events.flatMap(({ jobId }) => jobId ?? []))];
    await refreshDeliveries(db, jobIds, deliveryStatuses);
    return count;
  });
}
