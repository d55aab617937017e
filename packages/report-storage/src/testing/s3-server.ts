import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As much of S3 as an upload, a download and a deletion need. */
export async function startS3() {
  const objects = new Map<string, { body: Buffer; contentType: string | undefined }>();
  const uploads = new Map<string, { contentType: string | undefined; parts: Map<number, Buffer> }>();
  /** Answers each request with this status while it is set. */
  const state: { failure: number | null; requests: string[] } = { failure: null, requests: [] };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const key = decodeURIComponent(url.pathname.slice(1));
    const body = await bodyOf(request);
    const id = url.searchParams.get('uploadId') ?? '';
    const upload = uploads.get(id);
    state.requests.push(`${request.method} ${key}`);
    const answer = (status: number, content: Buffer | string = '', headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(content);
    const part = Number(url.searchParams.get('partNumber'));
    const etag = { etag: '"e"' };
    if (state.failure !== null) answer(state.failure, '<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
    else if (request.method === 'POST' && url.searchParams.has('uploads')) {
      uploads.set('u', { contentType: request.headers['content-type'], parts: new Map() });
      answer(
        200,
        `<InitiateMultipartUploadResult><Key>${key}</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>`,
      );
    } else if (request.method === 'PUT' && upload !== undefined) {
      upload.parts.set(part, body);
      answer(200, '', etag);
    } else if (request.method === 'POST' && upload !== undefined) {
      const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, content]) => content);
      objects.set(key, { body: Buffer.concat(parts), contentType: upload.contentType });
      uploads.delete(id);
      answer(200, `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>"e"</ETag></CompleteMultipartUploadResult>`);
    } else if (request.method === 'PUT') {
      objects.set(key, { body, contentType: request.headers['content-type'] });
      answer(200, '', etag);
    } else if (request.method === 'DELETE') {
      if (upload === undefined) objects.delete(key);
      else uploads.delete(id);
      answer(204);
    } else {
      const object = objects.get(key);
      if (object === undefined) answer(404, '<Error><Code>NoSuchKey</Code><Message>no</Message></Error>');
      else answer(200, object.body, { 'content-type': object.contentType });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    uploads,
    state,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
