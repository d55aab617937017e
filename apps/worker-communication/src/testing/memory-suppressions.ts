import type { SuppressionChannel } from '@queue-service/persistence';
import type { Suppressions } from '../suppressions.ts';

/** Suppressions of one test, with what was added. */
export function memorySuppressions(known: Partial<Record<SuppressionChannel, Record<string, string>>> = {}) {
  const added: Parameters<Suppressions['add']>[] = [];
  const suppressions: Suppressions = {
    async check(_tenantId, channel, addresses) {
      const reasons = known[channel] ?? {};
      return addresses.flatMap((address) =>
        reasons[address] === undefined ? [] : [{ address, reason: reasons[address] }],
      );
    },
    async add(...entry) {
      added.push(entry);
    },
  };
  return { suppressions, added };
}
