import type { Readable } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';
import { createFileStorage } from './file-storage.ts';
import { createS3Storage } from './s3-storage.ts';
import type { StorageLocation } from './storage-url.ts';

/** Keeps the files of reports, under names of our own making. */
export interface ReportStorage {
  /** Stores all of `body` or nothing: nobody ever sees a half-written report. Replaces what has this name. */
  put(name: string, body: Readable, contentType: string, signal: AbortSignal): Promise<void>;
  /** Null when there is no such report. */
  open(name: string): Promise<Readable | null>;
  /** What is not there counts as removed. */
  remove(name: string): Promise<void>;
  close(): void;
}

/** Opens no connection yet. */
export function openReportStorage(location: StorageLocation): ReportStorage {
  if (location.kind === 'file') return createFileStorage(location.folder);
  const { bucket, prefix, region, endpoint } = location;
  const client = new S3Client({
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
  });
  return createS3Storage({ client, bucket, prefix });
}
