import type { EndpointDisabledNotice, EndpointDisabledReason } from './deliveries.ts';

/** An endpoint that took nothing for so long is switched off; longer than all tries of one delivery together. */
export const disabledAfterMs = 5 * 86_400_000;

/**
 * Whether an endpoint is to be switched off, now that a try has failed.
 * @param failingSince first failure since the last success, null when this one is the first
 */
export function isBeyondHope(failingSince: Date | null, now: Date): boolean {
  return failingSince !== null && now.getTime() - failingSince.getTime() >= disabledAfterMs;
}

export function endpointDisabledNotice(
  endpoint: { id: string; url: string; failingSince: Date | null },
  reason: EndpointDisabledReason,
  at: Date,
): EndpointDisabledNotice {
  return {
    type: 'webhook_endpoint.disabled',
    timestamp: at.toISOString(),
    data: {
      endpointId: endpoint.id,
      url: endpoint.url,
      reason,
      failingSince: endpoint.failingSince?.toISOString() ?? null,
    },
  };
}
