// The command for moving stored files, between a folder and an S3 service that verifies signatures.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { startS3Server } from '@gatehouse/storage/testing';
import { expect, test } from 'vitest';
import { runGatehouse } from '../program.ts';

async function run(env: Readonly<Record<string, string>>, ...argv: readonly string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runGatehouse(argv, {
    script: '',
    env,
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
    colour: false,
    stopped: () => new Promise(() => undefined),
  });
  return { code, printed: printed.join(''), complained: complained.join('') };
}

test('files §15.2: copies every file, says so, copies nothing twice, and names what it cannot copy', async () => {
  await using folder = await temporaryFolder();
  const settings = {
    bucket: 'files',
    accessKey: 'AKIATEST',
    secretKey: 'a secret of the tests',
    region: 'eu-central-1',
  };
  await using s3 = await startS3Server(settings);
  const media = join(folder.path, 'media/public/icons');
  await mkdir(media, { recursive: true });
  await writeFile(join(media, 'a.png'), Buffer.alloc(2_000_000, 7));
  await writeFile(join(media, 'b.png'), 'b');
  const env = {
    AUTHENTIK_STORAGE__FILE__PATH: folder.path,
    AUTHENTIK_STORAGE__S3__ENDPOINT: s3.url,
    AUTHENTIK_STORAGE__S3__REGION: settings.region,
    AUTHENTIK_STORAGE__S3__BUCKET_NAME: settings.bucket,
    AUTHENTIK_STORAGE__S3__ACCESS_KEY: settings.accessKey,
    AUTHENTIK_STORAGE__S3__SECRET_KEY: settings.secretKey,
  };
  const copy = (...more: string[]) => run(env, 'files', 'copy', '--from', 'file', '--to', 's3', ...more);
  expect(await copy('--dry-run')).toMatchObject({
    code: 0,
    printed: expect.stringContaining('would be copied 2 (1.9 MB)'),
  });
  expect(await copy()).toMatchObject({ code: 0, printed: 'copied 2 (1.9 MB), there already 0, problems 0\n' });
  expect(await copy()).toMatchObject({ code: 0, printed: 'copied 0 (0.0 MB), there already 2, problems 0\n' });
  await writeFile(join(media, 'by hand.png'), 'x');
  expect(await copy()).toMatchObject({ code: 1, printed: expect.stringContaining('icons/by hand.png: unusable-name') });
  const wrong = await run(
    { ...env, AUTHENTIK_STORAGE__S3__SECRET_KEY: 'wrong' },
    'files',
    'copy',
    '--from',
    'file',
    '--to',
    's3',
  );
  expect(wrong.code).toBe(1);
  expect(wrong.printed).toContain('status 403');
});

test('a store that does not exist is a complaint with usage', async () => {
  expect(await run({}, 'files', 'copy', '--from', 'file', '--to', 'ftp')).toMatchObject({
    code: 1,
    complained: expect.stringContaining('There is no store "ftp"'),
  });
});
