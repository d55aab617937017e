import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { jwtVerify } from 'jose';
import type { Clock } from '../http/clock.ts';
import type { IdSource } from '../http/ids.ts';
import type { Reply } from '../http/request.ts';

/** A service account's key file, as the Google Cloud console gives it. */
export interface ServiceAccountKey {
  type: 'service_account';
  project_id: string;
  private_key_id: string;
  private_key: string;
  client_email: string;
  client_id: string;
  auth_uri: string;
  token_uri: string;
  auth_provider_x509_cert_url: string;
  client_x509_cert_url: string;
  universe_domain: string;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const GOOGLE_TOKEN_URI = 'https://oauth2.googleapis.com/token';
const SCOPES = ['https://www.googleapis.com/auth/firebase.messaging', 'https://www.googleapis.com/auth/cloud-platform'];
const TOKEN_SECONDS = 3599;

interface Grant {
  project: string;
  /** Epoch milliseconds of the sandbox clock. */
  until: number;
}

/** Google's token endpoint for service accounts (RFC 7523), and what its tokens allow. */
export class OAuth {
  readonly #clock: Clock;
  readonly #ids: IdSource;
  readonly #accounts = new Map<string, { project: string; key: KeyObject; tokenUri: string }>();
  readonly #grants = new Map<string, Grant>();

  constructor(clock: Clock, ids: IdSource) {
    this.#clock = clock;
    this.#ids = ids;
  }

  createAccount(project: string, origin: string): ServiceAccountKey {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const email = `sandbox-${this.#ids.token(6).toLowerCase()}@${project}.iam.gserviceaccount.com`;
    const account: ServiceAccountKey = {
      type: 'service_account',
      project_id: project,
      private_key_id: this.#ids.hex(40),
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: email,
      client_id: this.#ids.hex(21).replace(/\D/g, '7'),
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: `${origin}/token`,
      auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
      client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(email)}`,
      universe_domain: 'googleapis.com',
    };
    this.knowAccount(account);
    return account;
  }

  /** Accepts a key file that an earlier run of the sandbox made. */
  knowAccount(account: Pick<ServiceAccountKey, 'client_email' | 'private_key' | 'project_id' | 'token_uri'>): void {
    const key = createPublicKey(account.private_key);
    this.#accounts.set(account.client_email, { project: account.project_id, key, tokenUri: account.token_uri });
  }

  /** `POST /token`. */
  async token(form: URLSearchParams): Promise<Reply> {
    if (form.get('grant_type') !== GRANT) return refusal('unsupported_grant_type', 'Invalid grant_type');
    const assertion = form.get('assertion') ?? '';
    const account = this.#accounts.get(issuerOf(assertion));
    if (!account) return refusal('invalid_grant', 'Invalid grant: account not found');
    try {
      const { payload } = await jwtVerify(assertion, account.key, {
        algorithms: ['RS256'],
        audience: [account.tokenUri, GOOGLE_TOKEN_URI],
        requiredClaims: ['exp', 'iat'],
      });
      if (!allows(payload['scope']))
        return refusal('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
    } catch {
      return refusal('invalid_grant', 'Invalid JWT Signature.');
    }
    const token = `ya29.${this.#ids.token(60)}`;
    this.#grants.set(token, { project: account.project, until: this.#clock.now() + TOKEN_SECONDS * 1000 });
    return { status: 200, body: { access_token: token, expires_in: TOKEN_SECONDS, token_type: 'Bearer' } };
  }

  /** The project that a bearer token is for: an access token, or a JWT that the account signed itself (AIP-4111). */
  async projectOf(token: string): Promise<string | undefined> {
    const grant = this.#grants.get(token);
    if (grant) return grant.until > this.#clock.now() ? grant.project : undefined;
    const account = this.#accounts.get(issuerOf(token));
    if (!account) return undefined;
    try {
      const { payload } = await jwtVerify(token, account.key, { algorithms: ['RS256'], requiredClaims: ['exp'] });
      return allows(payload['scope']) || payload.aud === 'https://fcm.googleapis.com/' ? account.project : undefined;
    } catch {
      // Not signed by the account: no access.
      return undefined;
    }
  }

  /** Makes every access token invalid. */
  revokeAll(): void {
    this.#grants.clear();
  }

  snapshot() {
    return [...this.#accounts].map(([email, { project, key, tokenUri }]) => ({
      email,
      project,
      tokenUri,
      publicKey: key.export({ type: 'spki', format: 'pem' }).toString(),
    }));
  }

  restore(accounts: ReturnType<OAuth['snapshot']>): void {
    for (const { email, project, tokenUri, publicKey } of accounts) {
      this.#accounts.set(email, { project, tokenUri, key: createPublicKey(publicKey) });
    }
  }
}

function issuerOf(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      iss?: unknown;
    };
    return typeof claims.iss === 'string' ? claims.iss : '';
  } catch {
    // Not a JWT: nobody issued it.
    return '';
  }
}

function allows(scope: unknown): boolean {
  return typeof scope === 'string' && scope.split(' ').some((item) => SCOPES.includes(item));
}

function refusal(error: string, description: string): Reply {
  return { status: 400, body: { error, error_description: description } };
}
