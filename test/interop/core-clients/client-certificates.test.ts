// A login by client certificate through what stands in front of the core, and what happens to headers that a client forges.
import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { createTestAuthority, type Issued, type TestAuthority, temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarted, freePort, skipWithout, startDaemon } from '../../harness/index.ts';
import { certificateProxies, startCertificateProxy } from './certificate-proxies.ts';

const started = createStarted();
let core: TestCore;
let authority: TestAuthority;
let files: { certificate: string; key: string; ca: string };
let [ada, grace]: Issued[] = [];

beforeAll(async () => {
  const folder = started.use(await temporaryFolder());
  authority = started.use(await createTestAuthority('People'));
  core = started.use(await startTestCore());
  const server = await authority.issue('localhost', { purpose: 'server', names: 'DNS:localhost' });
  const write = async (name: string, text: string) => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  files = {
    certificate: await write('server.pem', server.certPem),
    key: await write('server.key', server.keyPem),
    ca: await write('ca.pem', authority.caPem),
  };
  [ada, grace] = [await authority.issue('ada'), await authority.issue('grace')];
  const keyPair = async (given: object) =>
    (await core.call<{ pk: string }>('POST', '/crypto/certificatekeypairs/', given)).pk;
  const ca = await keyPair({ name: 'People', certificate_data: authority.caPem });
  // Our router asks for client certificates where the brand has a certificate of its own.
  const web = await keyPair({ name: 'localhost', certificate_data: server.certPem, key_data: server.keyPem });
  const [brand] = (await core.call<{ results: { brand_uuid: string }[] }>('GET', '/core/brands/')).results;
  await core.call('PATCH', `/core/brands/${brand?.brand_uuid}/`, { client_certificates: [ca], web_certificate: web });
  const flow = await core.call<{ pk: string }>('POST', '/flows/instances/', {
    name: 'certificate',
    slug: 'certificate',
    title: 'Certificate',
    designation: 'authentication',
  });
  const { pk: stage } = await core.call<{ pk: string }>('POST', '/stages/mtls/', {
    name: 'certificate',
    mode: 'required',
    cert_attribute: 'common_name',
    user_attribute: 'username',
  });
  const { results } = await core.call<{ results: { pk: string }[] }>(
    'GET',
    '/stages/user_login/?name=default-authentication-login',
  );
  for (const [order, one] of [stage, results[0]?.pk].entries())
    await core.call('POST', '/flows/bindings/', { target: flow.pk, stage: one, order });
}, 120_000);
afterAll(() => started[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly body: string;
}

function ask(port: number, path: string, agent: Agent, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent, headers: { Host: 'localhost', ...headers } });
    asked.once('error', reject).once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject);
      response.once('end', () => {
        const cookies = (response.headers['set-cookie'] ?? []).map((line) => line.split(';')[0] ?? '');
        resolve({ status: response.statusCode ?? 0, cookies, body: Buffer.concat(chunks).toString() });
      });
    });
    asked.end();
  });
}

/** @returns who is logged in at the end of the flow, or the component that it ends with */
async function login(port: number, client: Issued | undefined, headers: Record<string, string> = {}): Promise<string> {
  const pair = client === undefined ? {} : { cert: client.certPem, key: client.keyPem };
  const agent = new Agent({ ca: authority.caPem, servername: 'localhost', rejectUnauthorized: false, ...pair });
  try {
    let cookie = '';
    const step = async (path: string) => {
      const answer = await ask(port, path, agent, { ...headers, ...(cookie === '' ? {} : { cookie }) });
      if (answer.cookies.length > 0) cookie = answer.cookies.join('; ');
      return answer;
    };
    const flow = '/api/v3/flows/executor/certificate/?query=';
    let answer = await step(flow);
    for (let hop = 0; answer.status === 302 && hop < 9; hop++) answer = await step(flow);
    const { component } = JSON.parse(answer.body);
    if (component !== 'xak-flow-redirect') return component;
    return JSON.parse((await step('/api/v3/core/users/me/')).body).user.username;
  } finally {
    agent.destroy();
  }
}

/** A certificate is public: anybody may send that of somebody else, in every form. */
const forged = () => {
  const escaped = encodeURIComponent(ada?.certPem ?? '');
  return {
    'ssl-client-cert': escaped,
    'X-Forwarded-Client-Cert': `Cert="${escaped}"`,
    'X-Forwarded-TLS-Client-Cert': (ada?.certPem ?? '').replaceAll(/-----[A-Z ]+-----|\n/g, ''),
    'X-authentik-outpost-certificate': escaped.replaceAll('%20', '+'),
  };
};

/** It listens before it has read what it serves. */
async function expectReady(port: number): Promise<void> {
  const once = () => login(port, ada).catch((error: unknown) => String(error));
  await expect.poll(once, { timeout: 60_000 }).toBe('ada');
}

async function expectHonest(port: number): Promise<void> {
  expect(await login(port, ada)).toBe('ada');
  expect(await login(port, grace)).toBe('grace');
  expect(await login(port, undefined)).toBe('ak-stage-access-denied');
  expect(await login(port, undefined, forged())).toBe('ak-stage-access-denied');
  expect(await login(port, grace, forged())).not.toBe('ada');
}

for (const proxy of certificateProxies)
  describe.skipIf(skipWithout(proxy.name))(proxy.name, { timeout: 120_000 }, () => {
    test('whoever shows a certificate is who it says; whoever sends one in a header is nobody', async () => {
      const front = { ...files, port: await freePort(), corePort: Number(new URL(core.url).port) };
      await using _server = await startCertificateProxy(proxy, front);
      await expectReady(front.port);
      await expectHonest(front.port);
    });
  });

test('our router: the same, with the authorities of the brand', { timeout: 120_000 }, async () => {
  await using router = await startDaemon('router', {
    env: {
      AUTHENTIK_CORE__URL: core.url,
      AUTHENTIK_CORE__TOKEN: core.adminToken,
      AUTHENTIK_SECRET_KEY: 'secret key of the tests',
      AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '192.0.2.1/32', // a client from this machine is a stranger
    },
  });
  const { port } = router.bound('https');
  await expectReady(port);
  await expectHonest(port);
});
