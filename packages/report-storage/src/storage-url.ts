import { fileURLToPath } from 'node:url';

/** Where reports are kept. */
export type StorageLocation =
  | { kind: 'file'; folder: string }
  | {
      kind: 's3';
      bucket: string;
      /** Without slashes at its ends; empty: the bucket itself. */
      prefix: string;
      region: string | null;
      /** Of another server that speaks S3; it is then addressed by path. */
      endpoint: string | null;
    };

/**
 * `file:///folder`, or `s3://bucket/prefix?region=eu-central-1&endpoint=https://minio.example`. Credentials come the usual
 * AWS way, never in this URL.
 * @throws Error that says what is wrong, without the URL
 */
export function parseStorageUrl(text: string): StorageLocation {
  const url = URL.parse(text);
  if (url === null) throw new Error('is not a URL');
  if (url.username !== '' || url.password !== '') throw new Error('must not hold credentials');
  if (url.protocol === 'file:') {
    if (url.host !== '' && url.host !== 'localhost') throw new Error('must have three slashes: file:///folder');
    return { kind: 'file', folder: fileURLToPath(url) };
  }
  if (url.protocol !== 's3:') throw new Error('must be a URL with file:// or s3://');
  if (url.hostname === '') throw new Error('must name a bucket: s3://bucket');
  const endpoint = url.searchParams.get('endpoint');
  if (endpoint !== null && !['http:', 'https:'].includes(URL.parse(endpoint)?.protocol ?? '')) {
    throw new Error('endpoint must be a URL with http:// or https://');
  }
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, ''),
    region: url.searchParams.get('region'),
    endpoint,
  };
}
