import { describe, expect, test } from 'vitest';
import { Secret } from '../config/secret.ts';
import { createLogger, type LoggerOptions } from './create-logger.ts';

function logged(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({
    service: 'worker-money',
    level: 'trace',
    destination: { write: (line) => lines.push(line) },
    ...options,
  });
  return { log, lines, text: () => lines.join(''), records: () => lines.map((line) => JSON.parse(line)) };
}

test('a line is JSON with level, ISO time and service', () => {
  const { log, records } = logged();
  log.info({ queue: 'money' }, 'started');
  expect(records()).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'worker-money',
      pid: process.pid,
      queue: 'money',
      msg: 'started',
    },
  ]);
});

test('children carry the ids of their job or request', () => {
  const { log, records } = logged();
  log.child({ jobId: 'j1', requestId: 'r1' }).child({ traceId: 't1' }).warn('slow');
  expect(records()[0]).toMatchObject({ level: 'warn', jobId: 'j1', requestId: 'r1', traceId: 't1', msg: 'slow' });
});

test('lines below the level are not written', () => {
  const { log, lines } = logged({ level: 'warn' });
  log.info('not this');
  expect(lines).toEqual([]);
});

describe('secrets do not come out', () => {
  const planted = 'sk_live_51HplantedABC';
  const opaque = 'f00dfacef00dfacef00dfacef00dface';
  const ways: Record<string, (log: ReturnType<typeof logged>['log']) => void> = {
    'in a message': (log) => log.info(`key ${planted} ${opaque}`),
    'in an interpolated message': (log) => log.info('key %s %o', planted, { opaque }),
    'in a field': (log) => log.info({ note: planted, deep: { deeper: { list: [opaque] } } }),
    'in a key of a record': (log) => log.info({ seen: { [planted]: 1 } }),
    'in headers': (log) => log.info({ req: { headers: { authorization: opaque, cookie: `sid=${opaque}` } } }),
    'in headers far down': (log) => log.info({ a: { b: { c: { d: { e: { Authorization: `Token ${opaque}` } } } } } }),
    'in the bindings of a child': (log) => log.child({ apiKey: opaque, url: `redis://:${planted}@r` }).info('x'),
    'in an error': (log) => log.error(new Error(`refused ${planted} ${opaque}`)),
    'in an error under another name': (log) => log.error({ reason: new Error(`refused ${opaque}`) }, 'failed'),
    'in a cause': (log) => log.error(new Error('outer', { cause: new Error(`inner ${opaque} ${planted}`) })),
    'in an error of a list': (log) => log.error({ errors: [new Error(opaque)] }, 'failed'),
    'in a secret object': (log) => log.info({ config: { key: new Secret(planted), other: new Secret(opaque) } }),
    'in the prefix of a child': (log) => log.child({}, { msgPrefix: `${planted} ` }).info('x'),
  };

  test.each(Object.entries(ways))('%s', (_way, write) => {
    const { log, lines, text, records } = logged({ secrets: [new Secret(opaque)] });
    write(log);
    expect(lines).toHaveLength(1);
    expect(text()).not.toContain('planted');
    expect(text()).not.toContain(opaque);
    expect(records()[0]).toHaveProperty('service', 'worker-money');
  });

  test('in the properties which SDKs hang on their errors', () => {
    const { log, text, records } = logged();
    const error = Object.assign(new Error('Bad Request'), {
      code: 400,
      statusCode: 400,
      config: { data: 'payload of Jane' },
      response: { body: { to: 'Jane' }, headers: { authorization: 'x' } },
      requestBody: 'Jane',
    });
    log.error({ err: error, wrapped: { again: error } }, 'mail refused');
    expect(text()).not.toContain('Jane');
    expect(records()[0].err).toEqual({
      type: 'Error',
      message: 'Bad Request',
      code: 400,
      status: 400,
      stack: expect.stringContaining('create-logger.test.ts'),
    });
    expect(records()[0].wrapped.again).toMatchObject({ code: 400 });
  });
});

describe('personal data does not come out', () => {
  const personal = ['name', 'target.keys.auth', 'recipients[*].street'];
  const payload = {
    name: 'Jane Doe',
    target: { keys: { auth: 'Jane-auth', kind: 'web' } },
    recipients: [{ street: 'Jane Lane 1', country: 'CH' }],
  };

  test.each([
    ['at the top', payload],
    ['as data', { data: payload }],
    ['as the payload of a job', { job: { payload } }],
    ['as the body of a request', { req: { body: payload } }],
  ])('from a payload logged %s', (_where, fields) => {
    const { log, text } = logged({ redactPaths: personal });
    log.info(fields);
    expect(text()).not.toContain('Jane');
    expect(text()).toContain('"kind":"web"');
    expect(text()).toContain('"country":"CH"');
  });

  test('from a child of a payload', () => {
    const { log, text } = logged({ redactPaths: personal });
    log.child({ data: payload }).info('x');
    expect(text()).not.toContain('Jane');
  });

  test('and the caller keeps the object as it was', () => {
    const { log } = logged({ redactPaths: personal });
    const before = structuredClone(payload);
    log.info({ data: payload, err: new Error('x') });
    expect(payload).toEqual(before);
  });

  test("even though a payload has a field with the name of one of the logger's own", () => {
    const { log, records } = logged({ redactPaths: ['msg', 'service'] });
    log.info({ data: { msg: 'Jane' } }, 'sent');
    expect(records()[0]).toMatchObject({ msg: 'sent', service: 'worker-money', data: { msg: '[redacted]' } });
  });
});

test('an error with a huge message is cut', () => {
  const { log, records } = logged();
  log.error(new Error('x'.repeat(50_000)));
  expect(records()[0].err.message.length).toBeLessThan(2_100);
});

test('the errors of an AggregateError are printed, without their properties', () => {
  const { log, records } = logged();
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', address: '10.0.0.1' });
  log.error(new AggregateError([refused], 'all addresses failed'));
  expect(records()[0].err.errors).toEqual([
    { type: 'Error', message: 'refused', code: 'ECONNREFUSED', stack: expect.any(String) },
  ]);
});

test('bytes are printed as their number', () => {
  const { log, records } = logged();
  log.info({ key: Buffer.from('abc'), nested: { seed: new Uint8Array(64) } });
  expect(records()[0]).toMatchObject({ key: '[3 bytes]', nested: { seed: '[64 bytes]' } });
});
