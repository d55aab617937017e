import { runFleet } from '@queue-service/queue';
import { readConfig } from './config.ts';
import { createMoneyHandlers } from './handlers.ts';
import { defaultStripeRate, moneyLimits } from './limits.ts';
import { parseMintAuthority } from './solana/mint-authority.ts';
import { watchMintBalance } from './solana/mint-balance.ts';
import { Minter } from './solana/minter.ts';
import { RpcNodes } from './solana/rpc-nodes.ts';
import { createStripe } from './stripe/client.ts';

const config = readConfig(process.env);
const secretKey = config.STRIPE_SECRET_KEY.reveal();
const authority = parseMintAuthority(config.SOLANA_MINT_AUTHORITY.reveal());

await runFleet({
  name: 'worker-money',
  queue: 'money',
  config,
  process,
  handlers: (parts) => {
    const limits = moneyLimits(parts, {
      stripe: config.STRIPE_REQUESTS_PER_SECOND ?? defaultStripeRate(secretKey),
      solana: config.SOLANA_REQUESTS_PER_SECOND,
    });
    const stripe = createStripe({
      secretKey,
      apiBase: config.STRIPE_API_BASE,
      timeoutMs: config.STRIPE_TIMEOUT_MS,
      limiter: limits.stripe,
    });
    const nodes = new RpcNodes({ urls: config.SOLANA_RPC_URL, limiterOf: limits.solanaNode });
    const minter = new Minter({ nodes, authority });
    const balance = watchMintBalance({
      ...parts,
      db: parts.runtime.db,
      minter,
      lowLamports: config.MINT_BALANCE_LOW_LAMPORTS,
    });
    parts.shutdown.register('mint balance', () => balance.stop());
    return createMoneyHandlers({
      ...{ runtime: parts.runtime, stripe, nodes, minter, onLow: balance.check },
      stripeTimeoutMs: config.STRIPE_TIMEOUT_MS,
    });
  },
});
