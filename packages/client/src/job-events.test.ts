import { expect, test } from 'vitest';
import type { JobResource } from '#contracts';
import { createQueueClient } from './client.ts';
import { JobFailedError, ProblemError, WaitTimeoutError } from './errors.ts';
import { readEventStream } from './event-stream.ts';
import { pendingJob } from './testing/job.ts';
import { type Reply, type StreamReply, stubApi } from './testing/stub-api.ts';

const { id } = pendingJob;
const at = pendingJob.createdAt;
const result = { messageId: 'm-1' };
const completed: JobResource = { ...pendingJob, status: 'completed', attempts: 1, finishedAt: at, result };

const message = (event: string, data: object, eventId?: string) =>
  `${eventId === undefined ? '' : `id: ${eventId}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const status = message('status', { status: 'processing', attempt: 1, maxAttempts: 2, at }, '1-0');
const progress = message('progress', { value: 0.5, at }, '2-0');
const end = (job = completed) => message('end', { job });
const stream = (text: string, then: StreamReply['then'] = 'end'): StreamReply => ({
  stream: `retry: 10\n\n${text}`,
  then,
});
const found = (job: JobResource): Reply => ({ status: 200, body: { job } });

/** Sleeps no time. */
const timing = { now: () => performance.now(), random: () => 0, sleep: async () => {} };
const clientOf = (baseUrl: string, more = {}) => createQueueClient({ baseUrl, token: 't', timing, ...more });

async function all<One>(events: AsyncIterable<One>): Promise<One[]> {
  const seen: One[] = [];
  for await (const one of events) seen.push(one);
  return seen;
}

test('events go on after the last one seen when a connection ends, breaks or falls silent', async () => {
  await using api = await stubApi(
    [null],
    [
      stream(status, 'broken'),
      stream(': alive\n\n'),
      stream(progress, 'silence'),
      stream(message('unheard-of', {}) + end()),
    ],
  );
  const events = await all(clientOf(api.url, { longestSilenceMs: 50 }).jobs.events({ id, type: 'analytics-track' }));
  expect(events.map(({ event, id }) => [event, id])).toEqual([
    ['status', '1-0'],
    ['progress', '2-0'],
    ['end', null],
  ]);
  const last = events.at(-1);
  if (last?.event === 'end') expect(last.data.job.result?.messageId satisfies string | undefined).toBe('m-1');
  expect(api.listened.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1-0', '1-0', '2-0']);
  expect(api.listened[0]).toMatchObject({ path: `/api/v1/queue/jobs/${id}/events` });
});

test('events that are refused throw the problem, and a signal ends them', async () => {
  await using api = await stubApi([null]);
  await expect(all(clientOf(api.url).jobs.events(id))).rejects.toBeInstanceOf(ProblemError);
  await using silent = await stubApi([null], [stream(status, 'silence')]);
  const stop = new AbortController();
  const reading = (async () => {
    for await (const _ of clientOf(silent.url).jobs.events(id, { lastEventId: '0-1', signal: stop.signal })) {
      stop.abort(new Error('shutting down'));
    }
  })();
  await expect(reading).rejects.toThrow('shutting down');
  expect(silent.listened[0]?.headers['last-event-id']).toBe('0-1');
});

test('waiting is told the end by the stream alone, also when it breaks before', async () => {
  await using api = await stubApi([found(pendingJob)], [stream(status, 'broken'), stream(end())]);
  expect(await clientOf(api.url).jobs.waitFor(id)).toEqual(result);
  // Between the two it looked whether the job has ended meanwhile.
  expect(api.received).toHaveLength(1);
  expect(api.listened.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1-0']);
  const error = { code: 'invalid_request', message: 'no', retryable: false };
  await using failing = await stubApi([null], [stream(end({ ...completed, status: 'failed', result: null, error }))]);
  await expect(clientOf(failing.url).jobs.waitFor(id)).rejects.toBeInstanceOf(JobFailedError);
  expect(failing.received).toEqual([]);
});

test.each<[string, Reply | StreamReply | null]>([
  ['there are too many', { status: 503, body: {} }],
  ['a proxy answers something else', { status: 200, body: {} }],
  ['the end does not look as it should', stream(message('end', { job: {} }))],
  ['no connection comes about', null],
])('waiting asks when there is no stream: %s', async (_why, refusal) => {
  await using api = await stubApi([...Array(5).fill(found(pendingJob)), found(completed)], [refusal]);
  expect(await clientOf(api.url).jobs.waitFor(id)).toEqual(result);
  expect(api.received).toHaveLength(6);
  expect(api.listened).toHaveLength(3);
});

test('waiting on a silent stream ends at its time limit and by its signal', async () => {
  await using api = await stubApi([found(pendingJob)], [stream(status, 'silence')]);
  await expect(clientOf(api.url).jobs.waitFor(id, { timeoutMs: 50 })).rejects.toBeInstanceOf(WaitTimeoutError);
  const [before, stop] = [api.listened.length, new AbortController()];
  const waiting = clientOf(api.url).jobs.waitFor(id, { signal: stop.signal });
  const heard = expect(waiting).rejects.toThrow('shutting down');
  await expect.poll(() => api.listened.length).toBe(before + 1);
  stop.abort(new Error('shutting down'));
  await heard;
});

test('a stream is read the same however it is cut, with every kind of line end', async () => {
  const text = 'id: 7-0\r\nevent: log\rdata: {"a":\r\ndata: "é"}\n: alive\n\nretry: 500\n\ndata\n\nevent: lost';
  const bytes = Buffer.from(text);
  const whole = [
    { event: 'log', data: '{"a":\n"é"}', id: '7-0', retryMs: undefined },
    { event: 'message', data: '', id: undefined, retryMs: 500 },
    { event: 'message', data: '', id: undefined, retryMs: undefined },
  ];
  for (let size = 1; size <= bytes.length; size += 1) {
    async function* cut() {
      for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
    }
    expect(await all(readEventStream(cut()))).toEqual(whole);
  }
});
