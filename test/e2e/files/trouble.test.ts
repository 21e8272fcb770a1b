// Stores in trouble behind a whole core (issue: disk full, S3 answering garbage): a clear answer, nothing lost or left behind.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';

const head = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

async function upload(core: TestCore, name: string, bytes: number) {
  const form = new FormData();
  form.append('name', name);
  form.append('file', new Blob([new Uint8Array(Buffer.concat([head, Buffer.alloc(bytes)]))]), name);
  const headers = { Authorization: `Bearer ${core.adminToken}` };
  const answer = await fetch(`${core.url}api/v3/admin/file/`, { method: 'POST', headers, body: form });
  return { status: answer.status, text: await answer.text() };
}

const mayMount = (() => {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // no right to mount: counted as skipped
  }
})();

test.skipIf(!mayMount)(
  'files §12: a full disk is 503 with a reason, leaves nothing, and the name stays free',
  async () => {
    await using folder = await temporaryFolder();
    const disk = join(folder.path, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk]);
    try {
      await using core = await startTestCore({ storage: { AUTHENTIK_STORAGE__FILE__PATH: disk } });
      const refused = await upload(core, 'large.png', 3_000_000);
      expect(refused.status).toBe(503);
      expect(refused.text).toContain('ENOSPC');
      expect(refused.text).toContain('ERR_STORAGE_UNAVAILABLE');
      expect(await readdir(join(disk, 'media/public')).catch(() => [])).toEqual([]);
      expect((await upload(core, 'large.png', 1_000)).status).toBe(200);
      expect(await readdir(join(disk, 'media/public'))).toEqual(['large.png']);
      const events = await core.call<{ results: readonly { action: string }[] }>(
        'GET',
        '/events/events/?action=configuration_error',
      );
      expect(events.results).toHaveLength(1);
    } finally {
      execFileSync('umount', [disk]);
    }
  },
  60_000,
);

for (const [what, status, body] of [
  ['answers 500', 500, '<Error><Code>InternalError</Code></Error>'],
  ['is a web page', 200, '<html>Welcome</html>'],
] as const) {
  test(`files §12: with an S3 service that ${what} the listing is 503, and icons are shown all the same`, async () => {
    const service = createServer((_, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const { port } = service.address() as AddressInfo; // listens on TCP
    await using core = await startTestCore({
      storage: {
        AUTHENTIK_STORAGE__BACKEND: 's3',
        AUTHENTIK_STORAGE__S3__ENDPOINT: `http://127.0.0.1:${port}`,
        AUTHENTIK_STORAGE__S3__BUCKET_NAME: 'files',
        AUTHENTIK_STORAGE__S3__ACCESS_KEY: 'key',
        AUTHENTIK_STORAGE__S3__SECRET_KEY: 'secret',
      },
    });
    const headers = { Authorization: `Bearer ${core.adminToken}` };
    const listing = await fetch(`${core.url}api/v3/admin/file/`, { headers });
    expect([listing.status, await listing.json()]).toMatchObject([503, { code: 'ERR_STORAGE_UNAVAILABLE' }]);
    await core.call('POST', '/core/applications/', { name: 'Shown', slug: 'shown', meta_icon: 'icon.png' });
    const application = await core.call<{ meta_icon_url: string }>('GET', '/core/applications/shown/');
    expect(application.meta_icon_url).toContain('X-Amz-Signature=');
    service.closeAllConnections();
    service.close();
  }, 60_000);
}
