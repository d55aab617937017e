import express, { type ErrorRequestHandler } from 'express';
import type { LocalCertificate } from './certificate.ts';
import type { SandboxClock } from './clock.ts';
import { controlRoutes } from './control-routes.ts';
import { inboxPage } from './inbox-page.ts';
import type { Provider } from './provider.ts';
import { listen, type RunningServer } from './server.ts';
import { StateFile } from './state-file.ts';

/** A provider that can be told to save its state. */
export interface Hosted extends Provider {
  /** Set by the host; the provider calls it after every request that may have changed something. */
  changed: () => void;
}

export interface HostOptions {
  /** 0, the default, takes a free port. */
  port?: number | undefined;
  /** A JSON file that keeps the state over restarts; none by default. */
  statePath?: string | undefined;
  clock: SandboxClock;
  /** Listens with this certificate too, on a free port of its own. */
  certificate?: LocalCertificate | undefined;
}

export interface HostServer extends RunningServer {
  /** The same by HTTPS, when there is a certificate. */
  secureUrl: string | undefined;
}

/**
 * Serves the providers, their controls and the inbox page from one port of 127.0.0.1.
 * @throws when the port is taken or the state file is not readable JSON.
 */
export async function host(providers: readonly Hosted[], options: HostOptions): Promise<HostServer> {
  const { clock } = options;
  const state =
    options.statePath === undefined
      ? undefined
      : new StateFile(options.statePath, () => ({
          clockOffsetMs: clock.offsetMs,
          providers: Object.fromEntries(providers.map((p) => [p.name, p.snapshot()])),
        }));
  const changed = () => state?.touch();

  const saved = (await state?.load()) as { clockOffsetMs: number; providers: Record<string, unknown> } | undefined;
  if (saved) {
    clock.advance(saved.clockOffsetMs);
    for (const provider of providers) {
      if (provider.name in saved.providers) provider.restore(saved.providers[provider.name]);
    }
  }

  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.get('/', (_req, res) => {
    res.type('html').set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'");
    res.send(inboxPage(providers));
  });
  app.use('/_sandbox', controlRoutes(providers, clock, changed));
  for (const provider of providers) {
    provider.changed = changed;
    const router = express.Router();
    provider.mount(router);
    app.use(router);
  }
  app.use(((error: Error, _req, res, _next) => {
    res.status(500).json({ error: `sandbox: ${error.stack ?? error.message}` });
  }) satisfies ErrorRequestHandler);

  const server = await listen(app, options.port ?? 0);
  const secure = options.certificate && (await listen(app, 0, options.certificate));
  for (const provider of providers) provider.listening?.(server.url, secure?.url);
  return {
    ...server,
    secureUrl: secure?.url,
    stop: async () => {
      for (const provider of providers) {
        provider.faults.clear();
        await provider.close?.();
      }
      await Promise.all([server.stop(), secure?.stop()]);
      await state?.flush();
    },
  };
}
