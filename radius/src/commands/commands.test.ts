// explain, doctor and drops: what an operator reads when something does not work.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHealth, serveHealth } from '@gatehouse/daemon/health';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { expect, onTestFinished, test } from 'vitest';
import { createMessageAuthenticatorGate } from '../clients/message-authenticator-policy.ts';
import { createDrops } from '../datagram/drops.ts';
import { type FakeProvider, startFakeCore } from '../testing/fake-core.ts';
import { openRawClient, p1, p2, startTestRadius, users } from '../testing/start.ts';
import { clientsPage, dropsPage, showPage } from './local-pages.ts';
import { radiusCommands } from './run.ts';

async function setting(providers: readonly FakeProvider[] = [p1, p2], policy = '') {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.yaml');
  await writeFile(path, policy);
  const core = await startFakeCore({ users: { ...users, alice: { password: 'x', groups: ['staff'] } }, providers });
  onTestFinished(() => core[Symbol.asyncDispose]());
  const env = { AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: 'token', AUTHENTIK_RADIUS__POLICY_FILE: path };
  const run = async (...words: string[]) => {
    let text = '';
    const print = (part: string) => {
      text += part;
    };
    const [word = '', ...rest] = words;
    const code = await radiusCommands[word]?.run(rest, { env, print, complain: print });
    return { code, text };
  };
  return { core, run };
}

test('explain: provider, settings, groups and attributes, each with where it comes from', async () => {
  const policy =
    'clients: [{ networks: 127.0.0.2/32, coa: true }]\nattributes: [{ groups: staff, set: { Filter-Id: x, NAS-Identifier: y } }]';
  const { run } = await setting([p1, { ...p2, attributes: p1.attributes ?? null }], policy);
  const { code, text } = await run('explain', 'alice', '127.0.0.2');
  expect(code).toBe(0);
  expect(text).toContain('provider "p2" (application p2) by 127.0.0.2/32');
  expect(text).toContain('setting    coa = true  (clients entry 1)');
  expect(text).toContain('user       alice: access; groups staff');
  expect(text).toContain('attribute  Session-Timeout = 3600  (core)');
  expect(text).toContain('attribute  Filter-Id = x  (rule 1, not sent: the core has set it)');
  expect(text).toContain('attribute  NAS-Identifier = y  (rule 1)');
  expect((await run('explain', 'alice', '198.51.100.1')).text).toContain('is in no client network');
  expect((await run('explain', 'mallory', '127.0.0.1')).text).toContain('user       mallory: no access');
});

test('explain with a core that cannot tell: groups are given by hand', async () => {
  const { run, core } = await setting([p1], 'attributes: [{ groups: staff, set: { NAS-Identifier: y } }]');
  core.fail('/explain/', 404);
  expect((await run('explain', 'alice', '127.0.0.1')).text).toContain('add --groups=a,b');
  expect((await run('explain', 'alice', '127.0.0.1', '--groups=staff')).text).toContain('NAS-Identifier = y  (rule 1)');
});

test('doctor: a core that is away, a wrong policy file, secrets and networks, each with what to do', async () => {
  const { run, core } = await setting([
    { ...p1, client_networks: '0.0.0.0/0, 300.1.1.1/8', shared_secret: 'short' },
    { ...p2, shared_secret: '', certificate: 'pair-1' },
  ]);
  core.certificates.set('pair-1', {
    ...(await selfSignedCertificate(Date.now() - 360 * 86_400_000)),
    fingerprint: 'a',
  });
  const { code, text } = await run('doctor');
  expect(code).toBe(1);
  for (const expected of [
    /^warn {2}provider "p1": a shared secret of 5 characters can be guessed/m,
    /^fail {2}provider "p2" has no shared secret/m,
    /^fail {2}Failed to parse CIDR: 300\.1\.1\.1\/8/m,
    /^warn {2}provider "p1" takes packets from everywhere/m,
    /^warn {2}provider "p1" has no certificate/m,
    /^warn {2}provider "p2": EAP certificate of the core .* expires on/m,
  ])
    expect(text).toMatch(expected);
  core.fail('/outposts/', 'close');
  expect((await run('doctor')).text).toMatch(/^fail {2}No answer from/m);
  const wrong = await setting([p1], 'clients: 7');
  expect((await wrong.run('doctor')).text).toMatch(/^fail {2}.*policy\.yaml: clients /m);
});

test('drops: the last packets without an answer, with the reason and what to do; for this machine alone', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const socketPath = join(folder.path, 'metrics.sock');
  await using radius = await startTestRadius({ providers: [{ ...p1, client_networks: '192.0.2.0/24' }] });
  using client = await openRawClient(radius.port);
  client.send(Buffer.alloc(20, 1));
  while (radius.drops.latest().length === 0) await new Promise((resolve) => setImmediate(resolve));
  await using server = await serveHealth({
    health: createHealth(),
    metrics: createMetrics(),
    addresses: [{ host: '127.0.0.1', port: 0 }],
    socketPath,
    localPages: { [dropsPage]: radius.drops.text },
    log: captureLogger(),
  });
  let text = '';
  expect(
    await showPage(socketPath, dropsPage, (part) => {
      text += part;
    }),
  ).toBe(0);
  expect(text).toMatch(/127\.0\.0\.1 {8}unknown_client\n\nunknown_client: Add the address/);
  const open = await fetch(`http://127.0.0.1:${server.bound[0]?.port}${dropsPage}`);
  expect(open.status).toBe(404);
  expect(await showPage(`${socketPath}-none`, clientsPage, () => undefined)).toBe(2);
});

test('drops: a hundred are kept, newest first', () => {
  const drops = createDrops(fakeClock());
  for (let at = 0; at < 150; at++) drops.note(String(at), 'malformed');
  expect([drops.latest().length, drops.latest()[0]?.client, drops.latest()[99]?.client]).toEqual([100, '149', '50']);
});

test('clients: who signs, who does not, and what demanding it would do', () => {
  const gate = createMessageAuthenticatorGate();
  const policy = { requireMessageAuthenticator: 'no', limitProxyState: false } as const;
  const ask = (client: string, hasMessageAuthenticator: boolean, isEap = false) =>
    gate.admit({ client, hasMessageAuthenticator, hasProxyState: false, isEap }, policy);
  expect(gate.text()).toContain('No Access-Request');
  for (const [client, isSigned] of [
    ['10.0.0.1', true],
    ['10.0.0.2', false],
    ['10.0.0.3', true],
    ['10.0.0.3', false],
  ] as const)
    ask(client, isSigned);
  ask('10.0.0.4', true, true);
  const text = gate.text();
  expect(text).toMatch(
    /10\.0\.0\.1 +1 with, 0 without .*ready for yes\n10\.0\.0\.2 .*shut out by yes\n10\.0\.0\.3 .*some only/,
  );
  expect(text).not.toContain('10.0.0.4');
});
