import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Service } from './service.ts';

interface Outcome {
  readonly code: number;
  /** What it wrote, its errors among it, in the order in which a terminal shows it. */
  readonly text: string;
}

const executable = join(import.meta.dirname, '../../packages/cli/src/main.ts');
const tenantId = 'theatre';
const nobody = '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f';

/** What a venue admin and an admin do with queuectl, as processes of their own, and what they read. */
export function commandLineStories(parts: () => { service: Service; folder: string }): void {
  let runs = 0;
  const run = async (env: Record<string, string>, args: readonly string[]): Promise<Outcome> => {
    const file = join(parts().folder, `command-${++runs}`);
    await using output = await open(file, 'w');
    const stdio = ['ignore', output.fd, output.fd] as const;
    const child = spawn(process.execPath, [executable, ...args], { env, stdio: [...stdio] });
    const [code] = (await once(child, 'close')) as [number];
    return { code, text: await readFile(file, 'utf8') };
  };
  const tokenOf = async (...args: string[]) => {
    const { service } = parts();
    const made = await run({ JWT_SECRET: service.jwtSecret }, ['token', ...args]);
    expect(made).toMatchObject({ code: 0, text: expect.stringMatching(/^\S+\n$/) });
    const env = { QUEUE_URL: service.url, QUEUE_TOKEN: made.text.trim() };
    return (...command: string[]) => run(env, command);
  };
  type Person = Awaited<ReturnType<typeof tokenOf>>;
  let olga: Person;
  let ada: Person;
  const payment = (orderId: string) =>
    JSON.stringify({ orderId, amount: 4_900, currency: 'eur', paymentMethodId: 'pm_card_visa' });

  test('a token is made for each, and what is refused says why and ends with the code that help names', async () => {
    [olga, ada] = await Promise.all([
      tokenOf('--role', 'venue_admin', '--tenant', tenantId, '--subject', 'olga'),
      tokenOf('--role', 'admin', '--subject', 'ada'),
    ]);
    const { url } = parts().service;
    const refused = await Promise.all([
      run({ QUEUE_URL: url, QUEUE_TOKEN: 'x.y.z' }, ['status']),
      run({ QUEUE_URL: 'http://127.0.0.1:1', QUEUE_TOKEN: 'x.y.z' }, ['status']),
      olga('jobs', 'get', nobody),
      olga('pause', 'money'),
      olga('jobs', 'add', 'payment-process', '--data', '{"orderId":"a","amount":0}'),
    ]);
    expect(refused.map(shown).join('\n')).toMatchInlineSnapshot(`
      "queuectl: unauthorized (401): The token is malformed, or not signed with the key and algorithm that this service trusts
      queuectl: request 00000000-0000-0000-0000-000000000000
      (exit code 3)

      queuectl: The API cannot be reached: bad port
      (exit code 4)

      queuectl: not_found (404): There is no such resource
      queuectl: request 00000000-0000-0000-0000-000000000000
      (exit code 3)

      Will pause money (0 waiting)
      queuectl: forbidden (403): This needs the role admin
      queuectl: request 00000000-0000-0000-0000-000000000000
      (exit code 3)

      queuectl: validation_failed (400): The request has bad fields
      queuectl:   data.amount: Too small: expected number to be >=1
      queuectl:   data.currency: Invalid input: expected string, received undefined
      queuectl: request 00000000-0000-0000-0000-000000000000
      (exit code 3)
      "
    `);
  });

  test('a payment that is declined is read, found among the dead letters, redriven and seen to complete', async () => {
    parts().service.providers.sandbox.stripe.faults.add({
      match: { method: 'POST', path: '/v1/payment_intents', bodyIncludes: 'theatre-1' },
      do: {
        kind: 'error-instead-of-work',
        status: 402,
        body: {
          error: { type: 'card_error', code: 'card_declined', decline_code: 'insufficient_funds', message: 'Declined' },
        },
      },
    });
    const story = [await olga('jobs', 'add', 'payment-process', '--data', payment('theatre-1'), '--follow')];
    const id = idOf(story[0]);
    story.push(
      ...(await Promise.all([
        olga('dead-letters', 'list', '--queue', 'money'),
        olga('redrive', '--all', '--type', 'payment-process', '--dry-run'),
        olga('redrive', '--all', '--type', 'payment-process'),
      ])),
      await olga('redrive', '--all', '--type', 'payment-process', '--yes'),
      await olga('jobs', 'follow', id),
      ...(await Promise.all([olga('jobs', 'list', '--type', 'payment-process'), olga('dead-letters', 'list')])),
    );
    expect(story.map(shown).join('\n')).toMatchInlineSnapshot(`
      "id       00000000-0000-0000-0000-000000000000
      type     payment-process (money)
      status   failed
      attempts 1 of 10
      created  2027-01-01T00:00:00.000Z
      finished 2027-01-01T00:00:00.000Z
      error    card_declined: Stripe answered: card_declined, decline code insufficient_funds, status 402, request req_0
      (exit code 5)

      ID                                    TYPE             TENANT   REASON     ERROR          DIED
      00000000-0000-0000-0000-000000000000  payment-process  theatre  permanent  card_declined  2027-01-01T00:00:00.000Z

      1 job would start again
      ID                                    TYPE             TENANT   ERROR
      00000000-0000-0000-0000-000000000000  payment-process  theatre  card_declined

      Will start 1 job again
      queuectl: nobody can be asked here: add --yes
      (exit code 2)

      Will start 1 job again
      1 job started again, 0 could not

      id       00000000-0000-0000-0000-000000000000
      type     payment-process (money)
      status   completed
      attempts 1 of 10
      created  2027-01-01T00:00:00.000Z
      finished 2027-01-01T00:00:00.000Z
      result   {"amount":4900,"status":"succeeded","chargeId":"ch_0","currency":"eur","paymentIntentId":"pi_0"}

      ID                                    TYPE             STATUS     TRIES  TENANT   CREATED                   ERROR
      00000000-0000-0000-0000-000000000000  payment-process  completed  1/10   theatre  2027-01-01T00:00:00.000Z

      Nothing to show
      "
    `);
  });

  test('a queue is paused, a job waits in it and is cancelled, the queue goes on, and the audit log knows', async () => {
    const data = JSON.stringify({ userId: 'u1', event: 'seen' });
    const story = [await ada('pause', 'background'), await olga('jobs', 'add', 'analytics-track', '--data', data)];
    const id = idOf(story[1]);
    story.push(await ada('status'), await olga('jobs', 'cancel', id), await ada('resume', 'background'));
    const [again, json, audit] = await Promise.all([
      olga('jobs', 'retry', id),
      ada('status', '--json'),
      ada('audit', '--actor', 'ada', '--action', 'queue.resume', '--limit', '1'),
    ]);
    story.push(again, audit);
    expect(story.map(shown).join('\n')).toMatchInlineSnapshot(`
      "Will pause background (0 waiting)
      background paused

      id       00000000-0000-0000-0000-000000000000
      type     analytics-track (background)
      status   pending
      attempts 0 of 2
      created  2027-01-01T00:00:00.000Z

      QUEUE          STATE    WAITING  ACTIVE  DELAYED  OLDEST  IN/MIN  DONE/MIN  FAILED/MIN
      money          running  0        0       0        -       0.0     0.0       0.0
      communication  running  0        0       0        -       0.0     0.0       0.0
      background     paused   1        0       0        1s      0.0     0.0       0.0

      id       00000000-0000-0000-0000-000000000000
      type     analytics-track (background)
      status   cancelled
      attempts 0 of 2
      created  2027-01-01T00:00:00.000Z
      finished 2027-01-01T00:00:00.000Z
      error    cancelled: Cancelled on request

      Will resume background (0 waiting)
      background resumed

      queuectl: conflict (409): The job is cancelled
      queuectl: request 00000000-0000-0000-0000-000000000000
      (exit code 3)

      WHEN                      WHO  WHAT          TO                TENANT
      2027-01-01T00:00:00.000Z  ada  queue.resume  queue background  platform
      There are more: raise --limit or narrow the filter
      "
    `);
    expect(JSON.parse(json.text)).toMatchObject([
      { queue: 'money', paused: false },
      { queue: 'communication', paused: false },
      { queue: 'background', paused: false },
    ]);
  });

  test('a schedule is made and looked at, a flow is drawn, a report downloaded, and the books agree', async () => {
    const { folder } = parts();
    const file = join(folder, 'purchase.json');
    const steps = [
      { name: 'pay', type: 'payment-process', data: JSON.parse(payment('theatre-2')) },
      { name: 'tell', type: 'analytics-track', data: { userId: 'u1', event: 'bought' }, dependsOn: ['pay'] },
    ];
    await writeFile(file, JSON.stringify({ name: 'purchase', steps }));
    const nightly = {
      name: 'Nightly',
      type: 'analytics-track',
      cron: '30 3 * * *',
      data: { userId: 'u1', event: 'night' },
    };
    const [created, flow] = await Promise.all([
      olga('schedules', 'create', '--data', JSON.stringify(nightly)),
      olga('flows', 'create', '--file', file, '--follow'),
    ]);
    const scheduleId = idOf(created);
    const report = join(folder, 'settlement.csv');
    const story = await Promise.all([
      olga('schedules', 'list'),
      olga('schedules', 'preview', scheduleId, '--count', '2'),
      olga('reports', 'make', 'settlement', '--from', '1h', '--out', report),
      ada('reconcile', '--from', '1h'),
    ]);
    story.push(await olga('schedules', 'delete', scheduleId, '--yes'));
    expect([created, flow, ...story].map(shown).join('\n')).toMatchInlineSnapshot(`
      "id       00000000-0000-0000-0000-000000000000
      name     Nightly
      type     analytics-track (background)
      when     30 3 * * * UTC
      state    active
      next     2027-01-01T00:00:00.000Z
      overlap  skip
      catch-up last

      purchase 00000000-0000-0000-0000-000000000000 completed
      └─ ✔ pay completed (payment-process)
         └─ ✔ tell completed (analytics-track)

      ID                                    NAME     TYPE             WHEN            NEXT                      LAST
      00000000-0000-0000-0000-000000000000  Nightly  analytics-track  30 3 * * * UTC  2027-01-01T00:00:00.000Z

      2027-01-01T00:00:00.000Z
      2027-01-01T00:00:00.000Z

      Written to /tmp/settlement.csv
      report 00000000-0000-0000-0000-000000000000: 1 row, 160 bytes

      Will compare the books and change nothing; job 00000000-0000-0000-0000-000000000000
      period             2027-01-01T00:00:00.000Z to 2027-01-01T00:00:00.000Z
      compared           N in the ledger, N at the providers
      in the ledger only 0
      at a provider only 0
      amount differs     0
      status differs     0

      Will remove the schedule Nightly
      removed
      "
    `);
    expect(await readFile(report, 'utf8')).toContain(`${tenantId},EUR,2,98.00`);
  });
}

function idOf(outcome: Outcome | undefined): string {
  return /^id +(\S+)$/m.exec(outcome?.text ?? '')?.[1] ?? '';
}

/** As in a terminal, but for what differs from run to run; that is as wide as it was, so that columns stay straight. */
function shown({ code, text }: Outcome): string {
  const same = text
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '00000000-0000-0000-0000-000000000000')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2027-01-01T00:00:00.000Z')
    .replace(/\b(pi|ch|req)_\w+/g, '$1_0')
    .replace(/\d+s(?= +\d+\.\d)/g, (age) => '1s'.padEnd(age.length))
    .replace(/\d+\.\d(?= |$)/gm, (rate) => '0.0'.padEnd(rate.length))
    .replace(/\d+ (in the ledger|at the providers)/g, 'N $1')
    .replace(/to \/.*\//, 'to /tmp/');
  return code === 0 ? same : `${same}(exit code ${code})\n`;
}
