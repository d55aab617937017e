import { insertWebhookDeliveries } from '@queue-service/persistence';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer, claims, sign } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

type Who = keyof typeof claims;
const tokenOf = (who: Who) => sign({ ...claims[who] });
const login = (token: string, next?: string) =>
  request(real.app)
    .post('/admin/login')
    .type('form')
    .send({ token, ...(next === undefined ? {} : { next }) });
/** The cookie of a login. */
const session = async (who: Who) => {
  const answer = await login(await tokenOf(who));
  return String(answer.headers['set-cookie']).split(';', 1)[0] ?? '';
};
const get = async (path: string, who: Who) =>
  request(real.app)
    .get(path)
    .set('Cookie', await session(who));

describe('the login', () => {
  it('makes a session of a token, in a cookie that no script and no other site can use and nobody can read', async () => {
    const token = await tokenOf('admin');
    const answer = await login(token, '/admin/jobs?status=failed');
    expect(answer.status).toBe(303);
    expect(answer.headers['location']).toBe('/admin/jobs?status=failed');
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(
      /^queue_console=\S+; Max-Age=3\d{3}; Path=\/admin; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    );
    expect(cookie).not.toContain(token.split('.')[1]);
    const https = await request(real.app)
      .post('/admin/login')
      .set('X-Forwarded-Proto', 'https')
      .type('form')
      .send({ token });
    expect(String(https.headers['set-cookie'])).toMatch(/; Secure/);
  });

  it.each([
    ['a token that nobody signed', async () => 'x.y.z', /malformed/],
    ['a code that nobody made', async () => 'AAAA', /no token, and no code/],
    ['a token that is over', async () => sign({ ...claims.admin }, { expiresIn: -1 }), /expired/],
    ['a producer', async () => tokenOf('service'), /for admins and venue admins/],
  ])('refuses %s', async (_, token, why) => {
    const answer = await login(await token());
    expect(answer.status).toBe(401);
    expect(answer.text).toMatch(why);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('does not lead to another site', async () => {
    for (const next of ['https://evil.example/', '//evil.example', '/admin\\@evil.example', '/administrator']) {
      expect((await login(await tokenOf('admin'), next)).headers['location']).toBe('/admin');
    }
  });

  it('is asked for, and a cookie that was changed is none', async () => {
    const asked = await request(real.app).get('/admin/jobs?queue=money');
    expect(asked.headers['location']).toBe('/admin/login?next=%2Fadmin%2Fjobs%3Fqueue%3Dmoney');
    const cookie = await session('admin');
    const changed = `${cookie.slice(0, -2)}${cookie.endsWith('AA') ? 'BB' : 'AA'}`;
    expect((await request(real.app).get('/admin').set('Cookie', cookie)).status).toBe(200);
    expect((await request(real.app).get('/admin').set('Cookie', changed)).status).toBe(303);
  });

  it('by a code happens once, and a code is no session', async () => {
    const made = await request(real.app)
      .post('/admin/login-codes')
      .set('Authorization', await bearer('admin'));
    expect(made.status).toBe(201);
    const { code, path } = made.body;
    expect(path).toBe(`/admin/login#${code}`);
    expect((await request(real.app).get('/admin').set('Cookie', `queue_console=${code}`)).status).toBe(303);
    expect((await login(code)).status).toBe(303);
    const again = await login(code);
    expect(again.status).toBe(401);
    expect(again.text).toContain('one that was used already');
    const refused = await request(real.app)
      .post('/admin/login-codes')
      .set('Authorization', await bearer('service'));
    expect(refused.status).toBe(401);
  });
});

describe('the console', () => {
  it('shows nothing to other sites: no frame, nothing inline, no referrer', async () => {
    const { headers } = await get('/admin', 'admin');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
    );
    expect(headers['referrer-policy']).toBe('same-origin');
  });

  it.each([
    ['Sec-Fetch-Site', 'cross-site'],
    ['Sec-Fetch-Site', 'same-site'],
    ['Origin', 'https://evil.example'],
    ['Origin', 'null'],
  ])('refuses a change with %s: %s', async (header, value) => {
    const answer = await request(real.app)
      .post('/admin/overview/money/pause')
      .set('Cookie', await session('admin'))
      .set(header, value);
    expect(answer.status).toBe(403);
    expect(await real.runtime.connections.of('money').queue.isPaused()).toBe(false);
  });

  it('has the rights of its token and no others', async () => {
    const answer = await request(real.app)
      .post('/admin/overview/money/pause')
      .set('Cookie', await session('venueAdmin'));
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('This needs the role admin');
  });
});

describe('forms', () => {
  const send = async (path: string, who: Who, fields: object = {}) =>
    request(real.app)
      .post(path)
      .set('Cookie', await session(who))
      .type('form')
      .send(fields);

  it('sets the limits of a tenant, and names what is wrong with them', async () => {
    const limits = (page: string) =>
      [...page.matchAll(/name="(?:weight|max\w+)"[^>]*value="(\d*)"/g)].map(([, n]) => n);
    const set = await send('/admin/tenants/venue-1', 'admin', { weight: '7', maxRunning: '', maxPerSecond: '20' });
    expect(set.status).toBe(303);
    const page = (await get('/admin/tenants/venue-1', 'admin')).text;
    expect(limits(page).filter((value) => value !== '')).toEqual(['7', '20']);
    const wrong = await send('/admin/tenants/venue-1', 'admin', { weight: '0', maxRunning: '', maxPerSecond: '' });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('weight');
    expect((await send('/admin/tenants/venue-1', 'venueAdmin', { weight: '9' })).status).toBe(403);
    expect(limits((await get('/admin/tenants/venue-1', 'admin')).text)).toContain('7');
  });

  it('adds a webhook, shows its secret once, and what it was told, and sends that again', async () => {
    const url = 'https://hooks.example.com/ends';
    const added = await send('/admin/webhooks', 'venueAdmin', { url });
    const id = /\/admin\/webhooks\/([\da-f-]{36})/.exec(added.text)?.[1] ?? '';
    expect(added.text).toContain('whsec_');
    const { tenantId } = claims.venueAdmin;
    const body = { type: 'job.completed', data: { id: 'j-1' } };
    const [delivery] = await insertWebhookDeliveries(real.runtime.db, [
      { tenantId, type: 'job.completed', subjectId: id, webhookUrl: null, body },
    ]);
    const failed = { status: 'failed' };
    await real.runtime.db.prisma.webhookDelivery.update({ where: { id: delivery?.id ?? '' }, data: failed });

    const path = `/admin/webhooks/${id}`;
    const page = await get(path, 'venueAdmin');
    expect(page.text).toContain(url);
    expect(page.text).not.toContain('whsec_');
    expect(page.text).toContain('job.completed');
    const replay = `${path}/deliveries/${delivery?.id}/replay`;
    expect(page.text).toContain(replay);
    expect((await send(replay, 'venueAdmin')).status).toBe(303);
    expect((await get(`${path}?status=pending`, 'venueAdmin')).text).toContain(delivery?.id);
    expect((await get('/admin/webhooks', 'venueAdmin')).text).toContain(path);
    expect((await send(`${path}/remove`, 'venueAdmin')).status).toBe(303);
    expect((await get(path, 'venueAdmin')).status).toBe(404);
  });
});

describe('Bull Board', () => {
  const board = (method: 'get' | 'put', path: string, who: Who = 'admin') =>
    session(who).then((cookie) => request(real.app)[method](`/admin/queues${path}`).set('Cookie', cookie));

  it('is for admins, and loads nothing from elsewhere', async () => {
    expect((await request(real.app).get('/admin/queues')).status).toBe(303);
    expect((await request(real.app).get('/admin/queues/api/queues')).status).toBe(401);
    expect((await board('get', '', 'venueAdmin')).status).toBe(403);
    expect((await board('get', '/api/queues', 'venueAdmin')).status).toBe(403);
    const page = await board('get', '');
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/https?:/);
    const script = /src="(static\/js\/main[^"]+)"/.exec(page.text)?.[1];
    expect((await board('get', `/${script}`)).status).toBe(200);
  });

  it('shows jobs without their personal data, each with a link into the console', async () => {
    const posted = await request(real.app)
      .post('/api/v1/queue/jobs')
      .set('Authorization', await bearer('service'))
      .send({
        queue: 'communication',
        type: 'send-email',
        data: { to: 'ada@example.com', subject: 'a', text: 'b' },
        options: { delayMs: 60_000, webhookUrl: 'https://shop.example/hook?key=secret' },
      });
    const { id } = posted.body.job;
    const one = await board('get', `/api/queues/communication/${id}`);
    const list = await board('get', '/api/queues?activeQueue=communication&status=delayed&page=1&jobsPerPage=10');
    for (const answer of [one, list]) {
      expect(answer.text).toContain(id);
      expect(answer.text).toContain(`/admin/jobs/${id}`);
      expect(answer.text).toContain('[personal data]');
      expect(answer.text).not.toMatch(/ada@example|\$sealed|key=secret/);
    }
  });

  it('changes by the API, so that it is audited, and what the API does not know it does not do', async () => {
    expect((await board('put', '/api/queues/background/pause')).status).toBe(200);
    expect(await real.runtime.connections.of('background').queue.isPaused()).toBe(true);
    const log = await request(real.app)
      .get('/api/v1/queue/audit-log?action=queue.pause')
      .set('Authorization', await bearer('admin'));
    expect(log.body.entries).toMatchObject([{ actor: 'root', resourceId: 'background' }]);
    for (const path of ['/api/queues/background/obliterate', '/api/queues/background/empty']) {
      expect((await board('put', path)).status).toBe(405);
    }
  });
});
