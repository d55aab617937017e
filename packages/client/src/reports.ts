import { ProblemError } from './errors.ts';
import type { RequestOptions } from './jobs.ts';
import type { Open } from './transport.ts';

/** A finished report. */
export interface Report {
  /** What its file may be called; undefined when the service does not say. */
  readonly fileName: string | undefined;
  readonly mediaType: string;
  /** Not read yet: it may have a million rows. */
  readonly body: ReadableStream<Uint8Array>;
}

export interface Reports {
  /**
   * Opens a report by the `reportId` of its job's result. The signal ends the download too.
   * @throws ProblemError `not_found`, or `gone` when its file has been removed
   */
  download(id: string, options?: RequestOptions): Promise<Report>;
}

export function createReports(open: Open): Reports {
  return {
    download: async (id, { signal } = {}) => {
      const { body, headers, status } = await open({ path: `/reports/${encodeURIComponent(id)}`, signal });
      if (body === null) throw new ProblemError(status, undefined);
      return {
        fileName: /filename="([^"/\\]+)"/.exec(headers.get('content-disposition') ?? '')?.[1],
        mediaType: headers.get('content-type') ?? 'application/octet-stream',
        body,
      };
    },
  };
}
