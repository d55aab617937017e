import { PermanentError, RetryableError } from '@queue-service/contracts';
import { JWT } from 'google-auth-library';
import type { Circuit } from '../circuit.ts';
import { rateLimited } from '../outbound/retry-after.ts';
import { unanswered } from '../outbound/transport-error.ts';
import { fcmError } from './fcm-errors.ts';
import { fcmMessage } from './fcm-message.ts';
import type { FcmTarget, Push, PushSender } from './push.ts';
import type { ServiceAccount } from './service-account.ts';

export interface FcmOptions {
  account: ServiceAccount;
  /** Google's own where not given. */
  baseUrl?: string | undefined;
  timeoutMs: number;
  circuit: Circuit;
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const googleTokenUri = 'https://oauth2.googleapis.com/token';

/** Firebase Cloud Messaging, HTTP v1; access tokens by google-auth-library. */
export function createFcmSender({
  account,
  baseUrl = 'https://fcm.googleapis.com',
  timeoutMs,
  circuit,
}: FcmOptions): PushSender<FcmTarget> {
  const url = `${baseUrl.replace(/\/$/, '')}/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`;
  let auth = authorization(account, timeoutMs);

  async function post(push: Push<FcmTarget>, signal: AbortSignal): Promise<{ answer: Response; body: unknown }> {
    const headers = await authorized(auth);
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(fcmMessage(push)),
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      return { answer, body: await answer.json().catch(() => null) };
    } catch (error) {
      throw unanswered('FCM', error);
    }
  }

  return {
    send: (push, signal) =>
      circuit.run(signal, async () => {
        let { answer, body } = await post(push, signal);
        if (answer.status === 401) {
          // A token can be revoked before its time. Nothing was sent under it, so a new one may be tried at once.
          auth = authorization(account, timeoutMs);
          ({ answer, body } = await post(push, signal));
        }
        if (!answer.ok) throw fcmError(answer.status, answer.headers.get('retry-after'), body, Date.now());
        return { messageId: (body as { name?: string } | null)?.name ?? null };
      }),
  };
}

/** The library asks Google's own token endpoint whatever the key says; a key of another issuer names its own. */
function authorization(account: ServiceAccount, timeoutMs: number): JWT {
  const { client_email: email, private_key: key, token_uri: tokenUri = googleTokenUri } = account;
  const auth = new JWT({
    email,
    key,
    scopes: [scope],
    additionalClaims: { aud: tokenUri },
    transporterOptions: { timeout: timeoutMs },
  });
  auth.transporter.interceptors.request.add({
    resolved: (options) =>
      Promise.resolve(options.url.href === googleTokenUri ? { ...options, url: new URL(tokenUri) } : options),
  });
  return auth;
}

/** @throws JobError; never an unknown outcome, since a token sends nothing */
async function authorized(auth: JWT): Promise<Record<string, string>> {
  try {
    return Object.fromEntries(await auth.getRequestHeaders());
  } catch (error) {
    const { status } = error as { status?: unknown };
    if (status === 429) throw rateLimited('Google', 60_000);
    if (typeof status === 'number' && status < 500) {
      throw new PermanentError({
        code: 'provider_authentication_failed',
        message: `Google refuses the service account (${status})`,
      });
    }
    throw new RetryableError({ code: 'provider_unreachable', message: 'Google gives no access token now' });
  }
}
