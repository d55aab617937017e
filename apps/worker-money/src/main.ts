import { runFleet } from '@queue-service/queue';
import { readConfig } from './config.ts';
import { createMoneyHandlers } from './handlers.ts';
import { parseMintAuthority } from './solana/mint-authority.ts';
import { Minter } from './solana/minter.ts';
import { RpcNodes } from './solana/rpc-nodes.ts';
import { createStripe } from './stripe/client.ts';

const config = readConfig(process.env);
const stripe = createStripe({
  secretKey: config.STRIPE_SECRET_KEY.reveal(),
  apiBase: config.STRIPE_API_BASE,
  timeoutMs: config.STRIPE_TIMEOUT_MS,
});
const minter = new Minter({
  nodes: new RpcNodes({ urls: config.SOLANA_RPC_URL }),
  authority: parseMintAuthority(config.SOLANA_MINT_AUTHORITY.reveal()),
});

await runFleet({
  name: 'worker-money',
  queue: 'money',
  config,
  process,
  handlers: ({ runtime }) => createMoneyHandlers({ runtime, stripe, minter }),
});
