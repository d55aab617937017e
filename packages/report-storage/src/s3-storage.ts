import type { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ReportStorage } from './report-storage.ts';

/** Two parts in memory; 10,000 of them are 78 GiB. */
const upload = { queueSize: 1, partSize: 8 * 1024 * 1024 };

/** Reports as objects below a prefix of a bucket. Closes the client. */
export function createS3Storage(options: { client: S3Client; bucket: string; prefix: string }): ReportStorage {
  const { client, bucket: Bucket } = options;
  const keyOf = (name: string) => (options.prefix === '' ? name : `${options.prefix}/${name}`);
  return {
    put: async (name, body, contentType, signal) => {
      const abortController = new AbortController();
      const abort = () => abortController.abort();
      signal.addEventListener('abort', abort, { once: true });
      try {
        signal.throwIfAborted();
        // An object appears when its last part is there, and an upload that fails takes its parts away.
        await new Upload({
          client,
          params: { Bucket, Key: keyOf(name), Body: body, ContentType: contentType },
          ...upload,
          abortController,
        }).done();
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    open: async (name) => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: keyOf(name) }));
        return Body as Readable;
      } catch (error) {
        if (error instanceof NoSuchKey) return null;
        throw error;
      }
    },
    remove: async (name) => {
      await client.send(new DeleteObjectCommand({ Bucket, Key: keyOf(name) }));
    },
    close: () => client.destroy(),
  };
}
