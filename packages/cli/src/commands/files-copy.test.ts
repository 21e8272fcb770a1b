// The command for moving stored files, between a folder and an S3 service that verifies signatures.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { startS3Server } from '@gatehouse/storage/testing';
import { expect, test } from 'vitest';
import { runGatehouse } from '../program.ts';

/** @param width of the terminal; none for a pipe */
async function run(env: Readonly<Record<string, string>>, argv: readonly string[], width?: number) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runGatehouse(argv, {
    script: '',
    env,
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
    colour: false,
    width,
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
  const copy = (...more: string[]) => run(env, ['files', 'copy', '--from', 'file', '--to', 's3', ...more]);
  expect(await copy('--dry-run')).toMatchObject({
    code: 0,
    printed: expect.stringContaining('would be copied 2 (1.9 MB)'),
  });
  expect(await copy()).toMatchObject({ code: 0, printed: 'copied 2 (1.9 MB), there already 0, problems 0\n' });
  expect(await copy()).toMatchObject({ code: 0, printed: 'copied 0 (0.0 MB), there already 2, problems 0\n' });
  // In a terminal every file is counted as it arrives, on one line.
  const back = { ...env, AUTHENTIK_STORAGE__FILE__PATH: join(folder.path, 'other') };
  const shown = await run(back, ['files', 'copy', '--from', 's3', '--to', 'file'], 80);
  expect(shown.printed.split('\r').map((text) => /copied (\d)/.exec(text)?.[1])).toEqual([undefined, '1', '2', '2']);
  await writeFile(join(media, 'by hand.png'), 'x');
  expect(await copy()).toMatchObject({ code: 1, printed: expect.stringContaining('icons/by hand.png: unusable-name') });
  const wrong = await run({ ...env, AUTHENTIK_STORAGE__S3__SECRET_KEY: 'wrong' }, [
    'files',
    'copy',
    '--from',
    'file',
    '--to',
    's3',
  ]);
  expect(wrong.code).toBe(1);
  expect(wrong.printed).toContain('status 403');
});

test('a store that does not exist is a complaint with usage', async () => {
  expect(await run({}, ['files', 'copy', '--from', 'file', '--to', 'ftp'])).toMatchObject({
    code: 1,
    complained: expect.stringContaining('There is no store "ftp"'),
  });
});

test('files §15.2: upload-url prints an address that takes one file, where files are kept in S3', async () => {
  const settings = {
    bucket: 'files',
    accessKey: 'AKIATEST',
    secretKey: 'a secret of the tests',
    region: 'eu-central-1',
  };
  await using s3 = await startS3Server(settings);
  const env = {
    AUTHENTIK_STORAGE__BACKEND: 's3',
    AUTHENTIK_STORAGE__S3__ENDPOINT: s3.url,
    AUTHENTIK_STORAGE__S3__REGION: settings.region,
    AUTHENTIK_STORAGE__S3__BUCKET_NAME: settings.bucket,
    AUTHENTIK_STORAGE__S3__ACCESS_KEY: settings.accessKey,
    AUTHENTIK_STORAGE__S3__SECRET_KEY: settings.secretKey,
    AUTHENTIK_STORAGE__S3__ADDRESSING_STYLE: 'path',
  };
  const { code, printed } = await run(env, ['files', 'upload-url', 'wall.jpg']);
  expect(code).toBe(0);
  expect((await fetch(printed.trim(), { method: 'PUT', body: 'bytes' })).status).toBe(200);
  expect(s3.objects.get('media/public/wall.jpg')?.body.toString()).toBe('bytes');
  const complaint = (text: string) => ({ code: 1, complained: expect.stringContaining(text) });
  expect(await run(env, ['files', 'upload-url', '../x'])).toMatchObject(complaint('ERR_STORAGE_INVALID_NAME'));
  expect(await run({}, ['files', 'upload-url', 'x.png'])).toMatchObject(complaint('kept in a folder'));
});
