import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { decodeJwt } from 'jose';
import { createSealed } from './sealed.ts';

/** Who a token belongs to. */
export interface Identity {
  readonly subject: string;
  readonly roles: readonly string[];
  /** Null only for admins. */
  readonly tenantId: string | null;
}

/** Somebody who is logged in, by the token that the console calls the API with. */
export interface Session extends Identity {
  readonly token: string;
  readonly admin: boolean;
}

export interface SessionParts {
  /** 32 bytes; the same on every replica. */
  readonly key: Uint8Array;
  /** @throws an error with `status` 401 or 403 when the token is not believed */
  verify(token: string, req: Request, res: Response): Promise<Identity>;
  /** What is kept for a while under a code, to be taken once, on whichever replica. */
  readonly codes: {
    put(code: string, value: string, ttlMs: number): Promise<void>;
    /** Null when there is nothing, or not any more. */
    take(code: string): Promise<string | null>;
  };
  readonly nowMs: () => number;
}

/** Why a token or code does not log in, in words for who tried. */
export class LoginRefusedError extends Error {
  override readonly name = 'LoginRefusedError';
}

export interface Sessions {
  /** Sets the cookie. @throws LoginRefusedError */
  start(tokenOrCode: string, req: Request, res: Response): Promise<Session>;
  /** Null without a good cookie; the token in it is verified again at every request. */
  current(req: Request, res: Response): Promise<Session | null>;
  end(res: Response): void;
  /** A code that logs in once, and when it is over. @throws LoginRefusedError */
  createCode(token: string, req: Request, res: Response): Promise<{ code: string; expiresAt: Date }>;
}

const sessionMs = 60 * 60_000;
const codeMs = 15 * 60_000;
const cookieName = 'queue_console';
/** Browsers drop larger cookies without a word. */
const largestCookie = 4_000;

export function createSessions({ key, verify, codes, nowMs }: SessionParts): Sessions {
  const sealed = createSealed(key, 'console session', nowMs);
  const sealedCodes = createSealed(key, 'console login code', nowMs);

  const sessionOf = async (token: string, req: Request, res: Response): Promise<Session> => {
    const identity = await verify(token, req, res).catch((error: unknown) => {
      const { status, message } = error as { status?: number; message?: string };
      if (status !== 401 && status !== 403) throw error;
      throw new LoginRefusedError(message ?? 'The token is not believed');
    });
    if (!identity.roles.some((role) => role === 'admin' || role === 'venue_admin')) {
      throw new LoginRefusedError('The console is for admins and venue admins; this token has neither role');
    }
    return { ...identity, token, admin: identity.roles.includes('admin') };
  };
  const endOf = (token: string, longestMs: number) =>
    Math.min(nowMs() + longestMs, (decodeJwt(token).exp ?? 0) * 1_000);

  const tokenOf = async (given: string): Promise<string> => {
    // A token has dots.
    if (given.includes('.')) return given;
    const value = await codes.take(given);
    const code = value === null ? null : await sealedCodes.open(value);
    if (code === null) throw new LoginRefusedError('This is no token, and no code or one that was used already');
    return String(code['token']);
  };

  return {
    start: async (given, req, res) => {
      const session = await sessionOf(await tokenOf(given.trim()), req, res);
      const endsAtMs = endOf(session.token, sessionMs);
      const value = await sealed.seal({ token: session.token }, endsAtMs);
      if (value.length > largestCookie) throw new LoginRefusedError('The token is too long for a browser session');
      // Over plain HTTP (npm start, a port-forward) a browser would not send a Secure cookie back.
      const secure = req.secure || req.get('X-Forwarded-Proto') === 'https';
      res.cookie(cookieName, value, { ...attributes, secure, maxAge: endsAtMs - nowMs() });
      return session;
    },
    current: async (req, res) => {
      const value = cookieOf(req, cookieName);
      const claims = value === null ? null : await sealed.open(value);
      if (claims === null) return null;
      try {
        return await sessionOf(String(claims['token']), req, res);
      } catch (error) {
        if (error instanceof LoginRefusedError) return null;
        throw error;
      }
    },
    end: (res) => {
      res.clearCookie(cookieName, attributes);
    },
    createCode: async (token, req, res) => {
      await sessionOf(token, req, res);
      const endsAtMs = endOf(token, codeMs);
      const code = randomBytes(18).toString('base64url');
      await codes.put(code, await sealedCodes.seal({ token }, endsAtMs), endsAtMs - nowMs());
      return { code, expiresAt: new Date(endsAtMs) };
    },
  };
}

const attributes = { httpOnly: true, sameSite: 'strict', path: '/admin' } as const;

/** A cookie of the request by its name. */
export function cookieOf(req: Request, name: string): string | null {
  for (const part of (req.get('Cookie') ?? '').split(';')) {
    const at = part.indexOf('=');
    if (part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}
