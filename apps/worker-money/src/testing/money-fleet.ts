import type { JobInput, JobResource, JobType } from '@queue-service/contracts';
import { createLogger, createMetrics, type Metrics, Secret } from '@queue-service/observability';
import { putTenantAccount } from '@queue-service/persistence';
import { openRuntime, type Runtime, startFleetWorker } from '@queue-service/queue';
import { type SolanaSandbox, startSolana, startStripe } from '@queue-service/sandbox';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { Keypair, LAMPORTS_PER_SOL } from '@solana/web3.js';
import { expect, vi } from 'vitest';
import { createMoneyHandlers } from '../handlers.ts';
import { watchMintBalance } from '../solana/mint-balance.ts';
import { Minter } from '../solana/minter.ts';
import { RpcNodes } from '../solana/rpc-nodes.ts';
import { createStripe } from '../stripe/client.ts';

export interface MoneyFleet {
  runtime: Runtime;
  metrics: Metrics;
  stripe: Awaited<ReturnType<typeof startStripe>>;
  solana: SolanaSandbox;
  authority: Keypair;
  nodes: RpcNodes;
  minter: Minter;
  /** Puts an account on a tenant's list. */
  allow(tenantId: string, accountId: string): Promise<void>;
  /** Accepts one job. */
  post<Type extends JobType>(type: Type, data: JobInput<Type>, tenantId?: string): Promise<string>;
  job(id: string): Promise<JobResource>;
  /** The job once it has ended. */
  ended(id: string): Promise<JobResource>;
  stop(): Promise<void>;
}

export interface MoneyFleetOptions {
  /** Of the mint authority; default 10 SOL. */
  lamports?: number;
}

/** Of the fleet's client; only a fault lets it pass. */
const stripeTimeoutMs = 2_000;

/** A worker of the money queue as in production, on stores of its own and the providers' sandboxes. */
export async function startMoneyFleet({ lamports }: MoneyFleetOptions = {}): Promise<MoneyFleet> {
  const log = createLogger({ service: 'test', level: 'silent' });
  const metrics = createMetrics({ service: 'test' });
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  const config = {
    DATABASE_URL: new Secret(url),
    DATABASE_POOL_SIZE: 5,
    PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
    REDIS_URL: new Secret(redis),
    QUEUE_PREFIX: prefix,
    WORKER_CONCURRENCY: 5,
  };
  const authority = Keypair.generate();
  const stripe = await startStripe({ accounts: ['acct_1Venue', 'acct_1Other'] });
  const solana = await startSolana({ fund: { [authority.publicKey.toBase58()]: lamports ?? 10 * LAMPORTS_PER_SOL } });
  const nodes = new RpcNodes({ urls: [solana.url] });
  const minter = new Minter({ nodes, authority, pollMs: 100 });
  const runtime = openRuntime({ config, applicationName: 'test', log });
  await vi.waitFor(() => expect(runtime.connections.of('money').redis.status).toBe('ready'));
  const client = createStripe({ secretKey: 'sk_test_fleet', apiBase: stripe.url, timeoutMs: stripeTimeoutMs });
  const lowLamports = LAMPORTS_PER_SOL / 10;
  const balance = watchMintBalance({ minter, db: runtime.db, metrics, log, lowLamports, everyMs: 200 });
  const handlers = createMoneyHandlers({
    ...{ runtime, stripe: client, stripeTimeoutMs, nodes, minter, onLow: balance.check },
  });
  const worker = startFleetWorker({ runtime, queue: 'money', handlers, config, log, metrics });
  const job = async (id: string) => {
    const found = await runtime.reader.find(id, null);
    if (found === null) throw new Error(`no job ${id}`);
    return found;
  };
  return {
    ...{ runtime, metrics, stripe, solana, authority, nodes, minter, job },
    allow: async (tenantId, accountId) => {
      await putTenantAccount(runtime.db, { tenantId, accountId, note: null, createdBy: 'test' });
    },
    post: async (type, data, tenantId = 'venue-1') => {
      const [answer] = await runtime.producer.accept([{ type, data, tenantId }]);
      if (answer?.outcome !== 'created') throw new Error(`not accepted: ${answer?.outcome}`);
      return answer.job.id;
    },
    ended: (id) =>
      vi.waitFor(
        async () => {
          const found = await job(id);
          expect(found.finishedAt, JSON.stringify(found)).toBeTruthy();
          return found;
        },
        { timeout: 20_000, interval: 50 },
      ),
    stop: async () => {
      await worker.close(1_000);
      await balance.stop();
      await runtime.close();
      await Promise.all([stripe.stop(), solana.stop()]);
    },
  };
}
