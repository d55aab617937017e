import { PermanentError, platformTenant } from '@queue-service/contracts';
import type { JobContext } from '@queue-service/queue';

/** Tells which connected accounts the jobs of a tenant may pay. */
export interface Accounts {
  mayPay(job: { tenantId: string; accountId: string }): Promise<boolean>;
}

/**
 * Before any send: a tenant pays the accounts on its list and no others. The platform's own jobs, which only admins
 * post, pay any.
 * @throws PermanentError `account_not_allowed`
 */
export async function requireAllowed(
  accounts: Accounts,
  field: string,
  accountId: string,
  { tenantId }: JobContext,
): Promise<void> {
  if (tenantId === platformTenant || (await accounts.mayPay({ tenantId, accountId }))) return;
  throw new PermanentError({
    code: 'account_not_allowed',
    message: `${field}: is not among the accounts that this tenant may pay; an admin can add it`,
  });
}
