import type { z } from 'zod';
import { type setTenantLimitsSchema, tenantLimitsAnswerSchema } from '#contracts';
import type { Send } from './transport.ts';

type TenantLimitsAnswer = z.output<typeof tenantLimitsAnswerSchema>;

/** What tenants may take of the queues, for admins. */
export interface Tenants {
  /** The defaults for a tenant that has none. @throws ProblemError */
  limits(id: string): Promise<TenantLimitsAnswer>;
  /** Sets all of them: what is left out gets its default. @throws ProblemError */
  setLimits(id: string, limits: z.input<typeof setTenantLimitsSchema>): Promise<TenantLimitsAnswer>;
}

export function createTenants(send: Send): Tenants {
  const path = (id: string) => `/tenants/${encodeURIComponent(id)}/limits`;
  const answer = tenantLimitsAnswerSchema;
  return {
    limits: (id) => send({ method: 'GET', path: path(id), answer }),
    setLimits: (id, body) => send({ method: 'PUT', path: path(id), answer, body }),
  };
}
