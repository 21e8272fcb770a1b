// Stored files through the front door: uploaded by the core's API, served here, both from the same settings.
import { request as httpRequest } from 'node:http';
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRouter, until } from '../testing/running-router.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let core: TestCore;
let site: Awaited<ReturnType<typeof runRouter>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const storage = { AUTHENTIK_STORAGE__FILE__PATH: folder.path };
  core = await startTestCore({ storage });
  site = await runRouter({
    core: { url: core.url },
    env: { ...storage, AUTHENTIK_SECRET_KEY: 'secret key of the tests' },
  });
  await until(() => site.router.watch.state === 'healthy');
}, 60_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await core?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

async function upload(name: string, content: Buffer): Promise<Response> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(content)]), 'x.png');
  form.append('name', name);
  const headers = { Authorization: `Bearer ${core.adminToken}` };
  return fetch(`${site.url}/api/v3/admin/file/`, { method: 'POST', headers, body: form });
}

test('files F12: what is uploaded under the general path is served from it, at the URL the core gives', async () => {
  expect((await upload('branding/gate.png', png)).status).toBe(200);
  const headers = { Authorization: `Bearer ${core.adminToken}` };
  const listed = await fetch(`${site.url}/api/v3/admin/file/?manageable_only=true`, { headers });
  const [, url = ''] = /"url":"([^"]+)"/.exec(await listed.text()) ?? [];
  const served = await fetch(url);
  expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect(Buffer.from(await served.arrayBuffer()).equals(png)).toBe(true);
});

test('files F29: the refusal of a file that is too large arrives whole, through the front door too', async () => {
  const refused = await upload('big.png', Buffer.concat([png, Buffer.alloc(26_214_400)]));
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ file: [expect.stringContaining('26214400')] });
});

test('files F49: an upload that breaks off in the middle leaves nothing, and the name stays free', async () => {
  await new Promise<void>((resolve) => {
    const sending = httpRequest(`${site.url}/api/v3/admin/file/`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${core.adminToken}`,
        'Content-Type': 'multipart/form-data; boundary=x',
        'Content-Length': 2_000_000,
      },
    });
    sending.on('error', () => resolve()).on('close', () => resolve());
    sending.write('--x\r\nContent-Disposition: form-data; name="name"\r\n\r\ntorn.png\r\n');
    sending.write('--x\r\nContent-Disposition: form-data; name="file"; filename="torn.png"\r\n\r\n');
    sending.write(Buffer.concat([png, Buffer.alloc(200_000)]), () => setImmediate(() => sending.destroy()));
  });
  expect((await upload('torn.png', png)).status).toBe(200);
});
