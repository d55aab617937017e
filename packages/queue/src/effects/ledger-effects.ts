import { canonicalJson } from '@queue-service/contracts';
import { type Database, type EffectRow, rememberEffect, resendEffect, type Sealer } from '@queue-service/persistence';
import { newId } from '../ids.ts';
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

  const intend = ({ repeatable: _, ...intent }: EffectIntent) =>
    writes.intend({
      ...intent,
      ...claim,
      id: newId(),
      request: sealer.sealValue(intent.request),
      requestHash: requestHash(canonicalJson(intent.request)),
    });

  return {
    intend: async (intent) => {
      // Nothing the first time can also mean that another worker wrote the row after this statement began.
      const row = (await intend(intent)) ?? (await intend(intent));
      if (row === null) throw lost();
      return { ...open(row), fresh: row.fresh };
    },
    resend: async (effect, newKey) => {
      const row = await resendEffect(db, { id: effect.id, ...claim, newKey });
      if (row === null) throw lost();
      return open(row);
    },
    remember: async (effect, memo) => {
      if (!(await rememberEffect(db, { id: effect.id, ...claim, memo: sealer.sealValue(memo) }))) throw lost();
    },
    settle: (effect, outcome) => writes.settle({ id: effect.id, generation: effect.generation, ...outcome }),
  };
}
