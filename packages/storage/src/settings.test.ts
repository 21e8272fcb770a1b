// Settings of stored files: files.md §14, what wins over what, and where a file then is.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig, loadConfig } from '@gatehouse/daemon/config';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { parseFileName } from './names.ts';
import { openStorage } from './open.ts';
import { type StorageSettings, s3OptionsOf, storageOptions } from './settings.ts';

function settingsFrom(env: Readonly<Record<string, string>>): StorageSettings {
  return loadConfig(defineConfig({ storage: storageOptions }), { env, files: [] }).config.storage;
}

function open(settings: StorageSettings) {
  return openStorage({
    settings: () => settings,
    secretKey: 'secret',
    webPath: '/',
    assets: [],
    lookupCredentials: () => undefined,
  });
}

async function* bytes(text: string) {
  yield Buffer.from(text);
}

test('files F11: the path of a usage wins over the general one, for that usage only', async () => {
  await using folder = await temporaryFolder();
  const [general, own] = [join(folder.path, 'general'), join(folder.path, 'own')];
  const { media, reports } = open(
    settingsFrom({
      AUTHENTIK_STORAGE__FILE__PATH: general,
      AUTHENTIK_STORAGE__MEDIA__FILE__PATH: own,
      AUTHENTIK_STORAGE__MEDIA__ALLOW_ANY_TYPE: 'true',
    }),
  );
  await media.save(parseFileName('a.txt'), bytes('a'), { tenant: 'public' });
  await reports.save(parseFileName('b.csv'), bytes('b'), { tenant: 'public' });
  expect(await readdir(join(own, 'media/public'))).toEqual(['a.txt']);
  expect(await readdir(join(general, 'reports/public'))).toEqual(['b.csv']);
  expect(await readdir(general)).toEqual(['reports']);
});

test('files §7.2: the life of a URL is written as the product writes durations', () => {
  const settings = settingsFrom({
    AUTHENTIK_STORAGE__FILE__URL_EXPIRY: 'hours=1;minutes=30',
    AUTHENTIK_STORAGE__REPORTS__FILE__URL_EXPIRY: 'seconds=30',
  });
  expect(settings.file.url_expiry).toBe(5_400_000);
  expect(settings.reports.file.url_expiry).toBe(30_000);
  expect(() => settingsFrom({ AUTHENTIK_STORAGE__FILE__URL_EXPIRY: 'fortnights=1' })).toThrow(/url_expiry/);
});

test('files §1.3: a backend that does not exist stops the start, naming the key', () => {
  expect(() => settingsFrom({ AUTHENTIK_STORAGE__BACKEND: 'ftp' })).toThrow(/storage\.backend is "ftp"/);
  expect(() => open(settingsFrom({ AUTHENTIK_STORAGE__BACKEND: 's3' }))).toThrow(/bucket_name/);
});

test('files §5.2: S3 settings of a usage win key by key, and the older name of the token is read', () => {
  const settings = settingsFrom({
    AUTHENTIK_STORAGE__S3__BUCKET_NAME: 'general',
    AUTHENTIK_STORAGE__S3__REGION: 'eu-central-1',
    AUTHENTIK_STORAGE__S3__ACCESS_KEY: 'id',
    AUTHENTIK_STORAGE__S3__SECRET_KEY: 'key',
    AUTHENTIK_STORAGE__S3__SECURITY_TOKEN: 'token',
    AUTHENTIK_STORAGE__MEDIA__S3__BUCKET_NAME: 'media',
    AUTHENTIK_STORAGE__MEDIA__S3__USE_SSL: 'false',
  });
  const media = s3OptionsOf(
    () => settings,
    'media',
    () => undefined,
  );
  expect(media).toMatchObject({ bucket: 'media', region: 'eu-central-1', useSsl: false, urlLifeMs: 900_000 });
  expect(media.credentials().sessionToken?.reveal()).toBe('token');
  expect(
    s3OptionsOf(
      () => settings,
      'reports',
      () => undefined,
    ),
  ).toMatchObject({ bucket: 'general', useSsl: true });
});
