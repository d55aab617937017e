import { variable } from '@queue-service/observability';
import { z } from 'zod';
import { createAddressPolicy } from './address-policy.ts';

/** What of the rules for tenants' addresses can be loosened. Spread into a process's schema. Not for production. */
export const outboundConfig = {
  /** Addresses and CIDR ranges, by commas, that tenants may be called at although they are not public. */
  WEBHOOK_ALLOW_ADDRESSES: z
    .string()
    .transform((text, context) => {
      try {
        return createAddressPolicy(text.split(',').map((entry) => entry.trim()));
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    })
    .optional(),
  /** Webhooks and push endpoints by plain http:// as well. */
  WEBHOOK_ALLOW_HTTP: variable.boolean().default(false),
};
