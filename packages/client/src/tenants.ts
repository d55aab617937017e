import type { z } from 'zod';
import {
  type putTenantAccountSchema,
  type setTenantLimitsSchema,
  type TenantAccountResource,
  tenantAccountAnswerSchema,
  tenantAccountListSchema,
  tenantLimitsAnswerSchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import { nothing, type Send } from './transport.ts';

type TenantLimitsAnswer = z.output<typeof tenantLimitsAnswerSchema>;

/** What tenants may take of the queues and whom they may pay, for admins. All throw ProblemError. */
export interface Tenants {
  /** The defaults for a tenant that has none. */
  limits(id: string, options?: RequestOptions): Promise<TenantLimitsAnswer>;
  /** Sets all of them: what is left out gets its default. */
  setLimits(
    id: string,
    limits: z.input<typeof setTenantLimitsSchema>,
    options?: RequestOptions,
  ): Promise<TenantLimitsAnswer>;
  /** Connected accounts that its jobs may pay. */
  accounts(id: string, options?: RequestOptions): Promise<TenantAccountResource[]>;
  allowAccount(
    id: string,
    accountId: string,
    body?: z.input<typeof putTenantAccountSchema>,
    options?: RequestOptions,
  ): Promise<TenantAccountResource>;
  forbidAccount(id: string, accountId: string, options?: RequestOptions): Promise<void>;
}

export function createTenants(send: Send): Tenants {
  const at = (id: string, ...below: string[]) => `/tenants/${[id, ...below].map(encodeURIComponent).join('/')}`;
  const answer = tenantLimitsAnswerSchema;
  return {
    limits: (id, { signal } = {}) => send({ method: 'GET', path: at(id, 'limits'), answer, signal }),
    setLimits: (id, body, { signal } = {}) => send({ method: 'PUT', path: at(id, 'limits'), answer, body, signal }),
    accounts: async (id, { signal } = {}) =>
      (await send({ method: 'GET', path: at(id, 'accounts'), answer: tenantAccountListSchema, signal })).accounts,
    allowAccount: async (id, accountId, body = {}, { signal } = {}) => {
      const request = { method: 'PUT', path: at(id, 'accounts', accountId), body } as const;
      return (await send({ ...request, answer: tenantAccountAnswerSchema, signal })).account;
    },
    forbidAccount: (id, accountId, { signal } = {}) =>
      send({ method: 'DELETE', path: at(id, 'accounts', accountId), once: true, answer: nothing, signal }),
  };
}
