import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { repositoryCacheDir } from '../../packages/sandbox/src/servers/index.ts';
import { useDatabase, usePrefix } from '../../packages/sandbox/src/testing/index.ts';
import { launchChromium } from './chromium.ts';
import { commandLineStories } from './command-line-stories.ts';
import { accessibilityFaults, overflow, watchFaults } from './pages.ts';
import { type Service, startService } from './service.ts';

// A story is several pages; much more than any takes, for machines that are busy with other things.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let service: Service;
let browser: Browser;
let folder: string;
let admin: Page;
/** What the admin's browser had to complain of, over all stories. */
let faults: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-service-console-'));
  const [{ url }, { prefix, url: redisUrl }] = [await useDatabase(), usePrefix()];
  const parts = { databaseUrl: url, redisUrl, queuePrefix: prefix, dataDir: folder, print: () => undefined };
  [service, browser] = await Promise.all([startService(parts), launchChromium(repositoryCacheDir(), process.env)]);
  const context = await newContext();
  admin = await context.newPage();
  faults = watchFaults(admin, service.url);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function newContext(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: service.url, ...options });
  context.setDefaultTimeout(60_000);
  return context;
}

/** As a producer of the tenant. */
async function post(path: string, body: object, tenantId = 'venue-1'): Promise<{ id: string }> {
  const token = await service.token({ sub: `shop-${tenantId}`, roles: ['service'], tenantId });
  const answer = await fetch(`${service.url}/api/v1/queue${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(202);
  return Object.values((await answer.json()) as Record<string, { id: string }>)[0] as { id: string };
}

const payment = (orderId: string, paymentMethodId = 'pm_card_visa') => ({
  ...{ queue: 'money', type: 'payment-process' },
  data: { orderId, amount: 4_900, currency: 'eur', paymentMethodId, description: 'Ada Lovelace, row 4' },
});

const seen = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

describe('an admin', () => {
  test('logs in by a link once, finds a failed payment, reads why, redrives it and sees it complete', async () => {
    // Declined now, and good when it is asked for again.
    service.providers.sandbox.stripe.faults.add({
      match: { method: 'POST', path: '/v1/payment_intents', bodyIncludes: 'order-1' },
      do: {
        kind: 'error-instead-of-work',
        status: 402,
        body: {
          error: { type: 'card_error', code: 'card_declined', decline_code: 'insufficient_funds', message: 'Declined' },
        },
      },
    });
    await post('/jobs', payment('order-1'));
    const link = await service.loginLink(await service.token({ sub: 'ada', roles: ['admin'] }));
    await admin.goto(link);
    await admin.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(admin.url()).toBe(`${service.url}/admin`);
    await admin.getByRole('listitem').getByRole('link', { name: 'payment-process' }).click();
    await seen(admin, 'card_declined');
    await seen(admin, /insufficient_funds/);
    expect(await admin.locator('main').textContent()).not.toContain('Ada Lovelace');
    await admin.getByRole('button', { name: 'Redrive' }).click();
    await seen(admin, 'The job is started again');
    await admin.locator('h1 + .badge.completed').waitFor();
    await seen(admin, '€49.00');
    await seen(admin, /under the 2\. key/);

    const other = await (await newContext()).newPage();
    await other.goto(link);
    await seen(other, /one that was used already/);
    await other.context().close();
  });

  test('pauses a queue and resumes it', async () => {
    await admin.goto('/admin');
    await admin.getByRole('button', { name: 'Pause background' }).click();
    await seen(admin, 'The queue background is paused');
    await seen(admin, /Paused .* by ada/);
    await post('/jobs', { queue: 'background', type: 'analytics-track', data: { userId: 'u1', event: 'seen' } });
    await expect.poll(() => admin.locator('[aria-labelledby=queue-background] dd').first().textContent()).toBe('1');
    await admin.getByRole('button', { name: 'Resume background' }).click();
    await seen(admin, 'The queue background runs again');
    await expect.poll(() => admin.locator('[aria-labelledby=queue-background] dd').first().textContent()).toBe('0');
  });

  test('creates a schedule, mending what was wrong, and sees when it fires next', async () => {
    await admin.goto('/admin/schedules/new');
    await admin.getByLabel('Name').fill('Nightly');
    await admin.getByLabel('Cron').fill('99 3 * * *');
    await admin.getByRole('button', { name: 'Create' }).click();
    await admin.locator('.problems', { hasText: 'cron' }).waitFor();
    await admin.getByLabel('Cron').fill('30 3 * * *');
    await admin.getByRole('button', { name: 'Create' }).click();
    await seen(admin, 'The schedule Nightly is set');
    expect(await admin.locator('#next-fires time').allTextContents()).toHaveLength(10);
    expect(await admin.locator('#next-fires .when').allTextContents()).toEqual(
      Array.from({ length: 5 }, () => expect.stringMatching(/^\d{4}-\d\d-\d\d 03:30:00 UTC$/)),
    );
    await admin.getByRole('button', { name: 'Run now' }).click();
    await admin.locator('td .badge.fired').waitFor();
  });

  test('watches a flow finish, and starts many dead letters again after a dry run', async () => {
    const steps = [
      { name: 'pay', type: 'payment-process', data: payment('order-2').data },
      { name: 'tell', type: 'analytics-track', data: { userId: 'u1', event: 'bought' }, dependsOn: ['pay'] },
    ];
    service.providers.sandbox.stripe.faults.add({
      match: { method: 'POST', path: '/v1/payment_intents', bodyIncludes: 'order-2' },
      do: { kind: 'hold', gate: 'order-2' },
    });
    const { id } = await post('/flows', { name: 'purchase', steps });
    await admin.goto(`/admin/flows/${id}`);
    await admin.locator('#flow-status .running').waitFor();
    expect(await admin.locator('.graph .node.waiting').innerHTML()).toContain('tell');
    service.providers.sandbox.stripe.faults.release('order-2');
    await admin.locator('#flow-status .completed').waitFor();
    expect(await admin.locator('.graph .node.completed').count()).toBe(2);

    for (const order of ['order-3', 'order-4']) await post('/jobs', payment(order, 'pm_card_chargeDeclined'));
    await expect
      .poll(async () => {
        await admin.goto('/admin/dead-letters?status=open');
        return admin.getByRole('link', { name: 'payment-process' }).count();
      })
      .toBe(2);
    await admin.getByRole('button', { name: /Redrive the open ones/ }).click();
    await admin.getByRole('heading', { name: 'Redrive 2 jobs?' }).waitFor();
    await admin.getByRole('button', { name: 'Start 2 again' }).click();
    await seen(admin, '2 started again');
  });
});

// The same processes: another start would cost more than all that is done here.
describe('in a terminal', () => commandLineStories(() => ({ service, folder })));

test('a venue admin logs in with its token and sees only its own', async () => {
  const theirs = await post('/jobs', payment('order-5', 'pm_card_chargeDeclined'), 'venue-2');
  const page = await (await newContext()).newPage();
  await page.goto('/admin/dead-letters?status=open');
  await page
    .getByLabel(/Token of an admin/)
    .fill(await service.token({ sub: 'boss', roles: ['venue_admin'], tenantId: 'venue-3' }));
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
  await seen(page, 'Nothing to show');
  await page.goto('/admin/jobs');
  await seen(page, 'Nothing to show');
  await page.goto(`/admin/jobs/${theirs.id}`);
  await page.getByRole('heading', { name: 'Not found' }).waitFor();
  await page.goto('/admin');
  expect(await page.getByRole('button', { name: /Pause/ }).count()).toBe(0);
  expect(await page.getByRole('link', { name: 'Bull Board' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.goto('/admin/jobs');
  expect(new URL(page.url()).pathname).toBe('/admin/login');
  await page.context().close();
});

describe('every page', () => {
  const screenshots = process.env['CONSOLE_SCREENSHOTS'];
  const links = ['jobs', 'dead-letters', 'schedules', 'flows'] as const;

  /** One of each list's things, as it is linked. */
  async function paths(): Promise<string[]> {
    const lists = [
      '',
      '/money',
      '/reports',
      '/webhooks',
      '/tenants',
      '/tenants/venue-1',
      '/audit',
      '/schedules/new',
      ...links.map((name) => `/${name}`),
    ];
    const things: string[] = [];
    for (const name of links) {
      await admin.goto(`/admin/${name}`);
      const href = await admin.locator('tbody a').first().getAttribute('href');
      if (href !== null) things.push(href);
    }
    return [...lists.map((path) => `/admin${path}`), ...things];
  }

  test('is accessible, fits a desktop in the light and a phone in the dark, and asks nobody else', async () => {
    const cookies = await admin.context().cookies();
    for (const [name, width, colorScheme] of [
      ['desktop', 1_280, 'light'],
      ['phone', 390, 'dark'],
    ] as const) {
      const context = await newContext({ viewport: { width, height: 840 }, colorScheme });
      await context.addCookies(cookies);
      const page = await context.newPage();
      const complaints = watchFaults(page, service.url);
      for (const path of ['/admin/login', ...(await paths())]) {
        await page.goto(path);
        // In the dark only colours differ, and these pages have all that there are.
        if (name === 'desktop' || /^\/admin(\/schedules\/new|\/(jobs|flows|dead-letters)\/.+)?$/.test(path)) {
          expect(await accessibilityFaults(page, name === 'phone'), `${path}, ${name}`).toEqual([]);
        }
        expect(await overflow(page), `${path}, ${name}`).toBeLessThanOrEqual(0);
        if (screenshots !== undefined) {
          await mkdir(screenshots, { recursive: true });
          const file = `${path
            .replace(/\/[0-9a-f-]{36}$/, '-one')
            .slice(1)
            .replaceAll('/', '-')}-${name}.png`;
          await page.screenshot({ path: join(screenshots, file), fullPage: true });
        }
      }
      expect(complaints).toEqual([]);
      await context.close();
    }
    // What the stories were refused on purpose.
    expect(faults.filter((fault) => !fault.includes('status of 400'))).toEqual([]);
  }, 240_000);

  test('of Bull Board asks nobody else, and leads to the console', async () => {
    const complaints = watchFaults(admin, service.url);
    await admin.goto('/admin/queues/queue/background?status=completed');
    const link = admin.locator('a[href^="/admin/jobs/"]').first();
    await link.waitFor();
    if (screenshots !== undefined) await admin.screenshot({ path: join(screenshots, 'bull-board.png') });
    await admin.goto((await link.getAttribute('href')) as string);
    await admin.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(complaints.filter((fault) => fault.startsWith('asks'))).toEqual([]);
  });
});
