import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serviceAccount } from '../testing/push-keys.ts';
import { readServiceAccount } from './service-account.ts';

const account = serviceAccount('https://oauth2.googleapis.com/token');

test('a service account is read from JSON text', () => {
  expect(readServiceAccount(JSON.stringify({ ...account, type: 'service_account' }))).toEqual(account);
});

test('a service account is read from a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'service-account-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'key.json'), JSON.stringify(account));
  expect(readServiceAccount(join(folder, 'key.json'))).toEqual(account);
});

test('what is wrong is named, without a value', () => {
  const { project_id: _left, ...rest } = account;
  expect(() => readServiceAccount(JSON.stringify({ ...rest, private_key: 'top secret' }))).toThrow(
    /^is not a Google service account key: project_id, private_key missing or wrong$/,
  );
  expect(() => readServiceAccount('{"project_id":')).toThrow('is not valid JSON');
  expect(() => readServiceAccount('/no/such/file')).toThrow('is neither JSON nor the path of a readable file');
});
