import type { SuppressionChannel } from '@queue-service/persistence';

export interface Suppressed {
  /** As it was asked for. */
  address: string;
  /** Why it is not written to: bounced, complained, opted_out, target_gone … */
  reason: string;
}

/** Addresses that are not written to any more. */
export interface Suppressions {
  /** Those of `addresses` that are suppressed for the tenant. */
  check(tenantId: string, channel: SuppressionChannel, addresses: readonly string[]): Promise<Suppressed[]>;
  /** Adding what is there already changes nothing. */
  add(tenantId: string, channel: SuppressionChannel, entry: Suppressed & { source: string }): Promise<void>;
}
