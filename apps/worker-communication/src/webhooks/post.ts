import { AddressRefusedError, parseEndpointUrl } from '@queue-service/outbound';
import { type Dispatcher, request } from 'undici';
import { causes, transportCode } from '../outbound/transport-error.ts';
import type { Answer } from './verdict.ts';

export interface PosterOptions {
  /** The guarded one. */
  dispatcher: Dispatcher;
  /** Plain http:// as well; for development and tests. */
  allowHttp: boolean;
  /** From the first byte to the last, in milliseconds. */
  timeoutMs: number;
}

/** POSTs JSON to a tenant's address, and follows nothing. Never throws. */
export type Post = (url: string, body: string, headers: Record<string, string>, signal: AbortSignal) => Promise<Answer>;

/** Bytes of an answer that are read and thrown away, so that the socket can be used again. */
const discardedBytes = 16_384;

export function createPoster({ dispatcher, allowHttp, timeoutMs }: PosterOptions): Post {
  return async (address, body, headers, signal) => {
    const url = parseEndpointUrl(address, { allowHttp });
    if (typeof url === 'string') return { kind: 'refused', message: url };
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'queue-service-webhooks/1', ...headers },
        body,
        dispatcher,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      // The answer's text is of no interest; that reading it fails does not change the verdict.
      await answer.body.dump({ limit: discardedBytes }).catch(() => undefined);
      const delivery = [answer.headers['webhook-delivery']].flat()[0];
      return {
        kind: 'answered',
        statusCode: answer.statusCode,
        abort: delivery?.trim().toLowerCase() === 'abort-message',
      };
    } catch (error) {
      for (const cause of causes(error)) {
        if (cause instanceof AddressRefusedError)
          return { kind: 'refused', message: 'The address is not a public one' };
      }
      const code = transportCode(error) ?? (error instanceof Error ? error.name : 'Error');
      return { kind: 'unanswered', message: `The endpoint gave no answer (${code})` };
    }
  };
}
