import { canonicalJson } from '@queue-service/contracts';
import {
  type Database,
  type EffectRow,
  findEffect,
  holdsClaim,
  rememberEffect,
  type Sealer,
  sendEffectAgain,
} from '@queue-service/persistence';
import { effectId } from '../ids.ts';
import { requestHash } from '../request-hash.ts';
import { ClaimLostError, type EffectIntent, type EffectRecord, type EffectStore } from './effect-store.ts';
import type { EffectWrites } from './effect-writes.ts';

/** Effects of a money job, in `effects`. Requests are sealed whole: a wallet, a description, a name may be in them. */
export function ledgerEffects(
  db: Database,
  writes: EffectWrites,
  sealer: Sealer,
  claim: { jobId: string; fencing: number; tenantId: string },
): EffectStore {
  const open = (row: EffectRow): EffectRecord => ({
    ...row,
    request: sealer.openValue(row.request),
    memo: sealer.openValue(row.memo) as EffectRecord['memo'],
  });
  const lost = () => new ClaimLostError(claim.jobId);
  const hashOf = (request: unknown) => requestHash(canonicalJson(request));
  const begin = ({ repeatable: _, ...intent }: EffectIntent) =>
    writes.begin({
      ...intent,
      ...claim,
      id: effectId(claim.jobId, intent.name),
      request: sealer.sealValue(intent.request),
      requestHash: hashOf(intent.request),
    });
  return {
    find: async (name) => {
      const row = await findEffect(db, claim.jobId, name);
      return row && open(row);
    },
    begin: async (intent) => {
      // Nothing the first time can also mean that another worker wrote the row after this statement began.
      const row = (await begin(intent)) ?? (await begin(intent));
      if (row === null) throw lost();
      return { ...open(row), fresh: row.fresh };
    },
    sendAgain: async ({ id, sends }, { doubted, newKey, intent }) => {
      const { jobId, fencing } = claim;
      const request = intent && {
        ...intent,
        value: sealer.sealValue(intent.request),
        hash: hashOf(intent.request),
      };
      const row = await sendEffectAgain(db, { id, jobId, fencing, sends, doubted, newKey, request });
      if (row === null) throw lost();
      return open(row);
    },
    remember: async ({ id, sends }, memo, providerId) => {
      const { jobId, fencing } = claim;
      const sealed = sealer.sealValue(memo);
      if (!(await rememberEffect(db, { id, jobId, fencing, sends, memo: sealed, providerId }))) throw lost();
    },
    settle: ({ id, generation, sends }, outcome) => {
      const { jobId, fencing } = claim;
      return writes.settle({ id, jobId, fencing, generation, sends, ...outcome });
    },
    requireClaim: async () => {
      if (!(await holdsClaim(db, claim))) throw lost();
    },
    ranBefore: claim.fencing > 1,
  };
}
