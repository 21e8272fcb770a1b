// What an outpost says to its core and what it makes of the answers (core-contract §10): real daemons, and a core whose every
// answer is a test's own.
import { connect } from 'node:tls';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { describe, expect, test } from 'vitest';
import { type RunningDaemon, startDaemon, until } from '../../harness/index.ts';
import { type StockCore, startStockCore } from './stock-core.ts';

const ldapRow = (pk: number) => ({
  pk,
  name: `directory ${pk}`,
  base_dn: `DC=d${pk},DC=example,DC=org`,
  bind_flow_slug: 'login',
  unbind_flow_slug: 'logout',
  application_slug: `directory-${pk}`,
});
const radiusRow = (over: Record<string, unknown> = {}) => ({
  pk: 1,
  name: 'wifi',
  application_slug: 'wifi',
  auth_flow_slug: 'login',
  client_networks: '127.0.0.0/8',
  shared_secret: 'testing123',
  ...over,
});
const started = (core: StockCore, type: string, env: Readonly<Record<string, string>> = {}) =>
  startDaemon(type, { env: { AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: 'token of the tests', ...env } });
const readiness = async (daemon: RunningDaemon) => {
  const answer = await fetch(`http://127.0.0.1:${daemon.bound('metrics').port}/-/ready`);
  return { status: answer.status, text: await answer.text() };
};
const ready = (daemon: RunningDaemon) => until(async () => (await readiness(daemon)).status === 200, 20_000);
const metricsOf = async (daemon: RunningDaemon) =>
  (await fetch(`http://127.0.0.1:${daemon.bound('metrics').port}/metrics`)).text();

describe('the way to the core', () => {
  test('core-contract 5, 6: a core below a path gets REST and websocket there', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()], prefix: '/sub/' });
    await using daemon = await started(core, 'radius');
    await ready(daemon);
    expect(core.calls[0]?.path).toBe('/sub/api/v3/outposts/instances/');
    const channel = await core.channel();
    expect(channel.path).toBe(`/ws/outpost/${core.outpost.pk}/`);
    expect([...channel.query.keys()]).toEqual(['attempt', 'instance_uuid']);
  });

  test('core-contract 6: the query of the given address is kept for the websocket only', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
    await using daemon = await started(core, 'radius', { AUTHENTIK_HOST: `${core.url}?foo=bar` });
    await ready(daemon);
    expect((await core.channel()).query.get('foo')).toBe('bar');
    expect(core.calls.some(({ query }) => query.has('foo'))).toBe(false);
  });

  test('core-contract 7: every call names the outpost and its build, and carries the token', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
    await using daemon = await started(core, 'radius', { GIT_BUILD_HASH: 'abc' });
    await ready(daemon);
    const channel = await core.channel();
    for (const { headers } of [...core.calls, channel]) {
      expect(headers['user-agent']).toMatch(/^goauthentik\.io\/outpost\/[\d.]+[^+]*\+abc$/);
      expect(headers.authorization).toBe('Bearer token of the tests');
    }
  });

  test('core-contract 43: a self-signed core is accepted only with AUTHENTIK_INSECURE', async () => {
    const { certPem, keyPem } = await selfSignedCertificate();
    await using core = await startStockCore({
      type: 'radius',
      providers: [radiusRow()],
      tls: { cert: certPem, key: keyPem },
    });
    {
      await using daemon = await started(core, 'radius');
      await until(() => daemon.lines.some(({ event }) => event === 'core not usable'));
      expect(core.calls).toEqual([]);
    }
    await using daemon = await started(core, 'radius', { AUTHENTIK_INSECURE: 'true' });
    await ready(daemon);
    expect((await core.channel()).heard.length).toBeGreaterThanOrEqual(0);
  });
});

describe('start', () => {
  test('core-contract 8: 403 on the instance list: degraded, and in service once the core accepts the token', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
    const heal = core.answer('/outposts/instances/', 403, { detail: 'Token invalid/expired' });
    await using daemon = await started(core, 'radius');
    await until(() => core.asked('/outposts/instances/').length >= 2);
    const { status, text } = await readiness(daemon);
    expect(status).toBe(503);
    expect(text).toContain('Token invalid/expired');
    expect(daemon.lines.find(({ event }) => event === 'core not usable')).toMatchObject({
      code: 'ERR_CONTRACT_TOKEN_REJECTED',
      hint: expect.stringContaining('AUTHENTIK_TOKEN'),
    });
    heal();
    await ready(daemon);
  });

  // B6, B12: the reference ends on these; a daemon that ends helps nobody whose core is being repaired.
  for (const [what, spoil] of [
    [
      'core-contract 9: an empty instance list',
      (core: StockCore) => core.answer('/outposts/instances/', 200, emptyPage),
    ],
    ['core-contract 11: an empty provider list', (core: StockCore) => core.answer('/outposts/radius/', 200, emptyPage)],
  ] as const) {
    test(`${what} is named, and overcome once it is mended`, async () => {
      await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
      const heal = spoil(core);
      await using daemon = await started(core, 'radius');
      await until(() => daemon.lines.some(({ event }) => event === 'core not usable'));
      expect((await readiness(daemon)).status).toBe(503);
      heal();
      await ready(daemon);
    });
  }

  test('core-contract 10: nothing waits for /root/config/', async () => {
    await using core = await startStockCore({ type: 'ldap', providers: [ldapRow(1)] });
    core.answer('/root/config/', 500);
    await using daemon = await started(core, 'ldap');
    await ready(daemon);
  });

  test('core-contract 11: a proxy without providers is ready', async () => {
    await using core = await startStockCore({ type: 'proxy', providers: [] });
    await using daemon = await started(core, 'proxy');
    await ready(daemon);
  });

  test('core-contract 12: 130 providers come in two pages of 100', async () => {
    await using core = await startStockCore({
      type: 'ldap',
      providers: Array.from({ length: 130 }, (_, at) => ldapRow(at + 1)),
    });
    await using daemon = await started(core, 'ldap');
    await ready(daemon);
    expect(core.asked('/outposts/ldap/').map(({ query }) => [query.get('page'), query.get('page_size')])).toEqual([
      ['1', '100'],
      ['2', '100'],
    ]);
  });
});

describe('refresh', () => {
  test('core-contract 18, 19, 22: a trigger and SIGUSR1 refresh, other instructions do nothing', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
    await using daemon = await started(core, 'radius');
    await ready(daemon);
    const refreshes = () => core.asked('/outposts/radius/').length;
    const channel = await core.channel();
    for (const message of [{ instruction: 3, args: { sub_type: 'x' } }, { instruction: 99, args: {} }, 'no JSON', '[]'])
      channel.say(message);
    const before = refreshes();
    process.kill(daemon.pid ?? 0, 'SIGUSR1');
    await until(() => refreshes() === before + 1);
    channel.say({ instruction: 2, args: {} });
    await until(() => refreshes() === before + 2, 15_000);
    expect(core.asked('/outposts/instances/').length).toBeGreaterThanOrEqual(3);
    expect(core.channels).toHaveLength(1);
  });

  test('core-contract 33, 34: what cannot be fetched leaves everything as it was, and says so', async () => {
    await using core = await startStockCore({ type: 'proxy', providers: [] });
    await using daemon = await started(core, 'proxy');
    await ready(daemon);
    const updated = async () => /authentik_outpost_last_update\{[^}]*\} (\S+)/.exec(await metricsOf(daemon))?.[1];
    const first = Number(await until(updated));
    expect(Math.abs(first - Date.now() / 1000)).toBeLessThan(30);
    const heal = core.answer('/outposts/proxy/', 500);
    process.kill(daemon.pid ?? 0, 'SIGUSR1');
    await until(() => daemon.lines.some(({ event }) => event === 'core not usable'));
    expect(Number(await updated())).toBe(first);
    heal();
    await until(async () => {
      process.kill(daemon.pid ?? 0, 'SIGUSR1');
      return Number(await updated()) > first;
    });
  });

  test('core-contract 25: only an unmanaged outpost takes its log level from the core', async () => {
    for (const [managed, debugs] of [
      [null, true],
      ['goauthentik.io/outposts/embedded', false],
    ] as const) {
      await using core = await startStockCore({ type: 'proxy', providers: [] });
      Object.assign(core.outpost, { managed, config: { log_level: 'debug' } });
      await using daemon = await started(core, 'proxy');
      await ready(daemon);
      (await core.channel()).say('no JSON');
      const seen = () => daemon.lines.some(({ event }) => event === 'control message ignored');
      if (debugs) await until(seen);
      else {
        process.kill(daemon.pid ?? 0, 'SIGUSR1');
        await until(() => core.asked('/outposts/proxy/').length >= 2);
        expect(seen()).toBe(false);
      }
    }
  });
});

describe('key pairs', () => {
  test('core-contract 26, 27: fetched when the fingerprint is new, and a pair without its key is no harm', async () => {
    const [first, second] = [await selfSignedCertificate(), await selfSignedCertificate()];
    await using core = await startStockCore({ type: 'ldap', providers: [{ ...ldapRow(1), certificate: 'pair' }] });
    core.keyPairs.set('pair', { fingerprint: 'aa', cert: first.certPem, key: first.keyPem });
    await using daemon = await started(core, 'ldap');
    await ready(daemon);
    const fetched = () =>
      core
        .asked('/certificatekeypairs/pair/')
        .map(({ path }) => path.split('/').at(-2))
        .filter((part) => part !== 'pair');
    const begun = () => core.asked('/certificatekeypairs/pair/').filter(({ path }) => path.endsWith('/pair/')).length;
    // Refreshes never overlap: when the second one asks, the first is over.
    const refresh = async () => {
      for (const _ of ['refreshed', 'and over']) {
        const before = begun();
        process.kill(daemon.pid ?? 0, 'SIGUSR1');
        await until(() => begun() > before);
      }
    };
    expect(fetched()).toEqual(['view_certificate', 'view_private_key']);
    const { host, port } = daemon.bound('metrics');
    const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text();
    expect(metrics).toMatch(/^authentik_outpost_certificate_not_after\{certificate="pair"\} \d{10}$/m);
    await refresh();
    expect(fetched()).toHaveLength(2);
    core.keyPairs.set('pair', { fingerprint: 'bb', cert: second.certPem, key: second.keyPem });
    await refresh();
    expect(fetched()).toHaveLength(4);
    expect(await certificateShown(daemon)).toBe(derOf(second.certPem));
    core.keyPairs.set('pair', { fingerprint: 'cc', cert: second.certPem, key: '' });
    await refresh();
    expect((await readiness(daemon)).status).toBe(200);
    await certificateShown(daemon);
  });
});

describe('control channel', () => {
  test('core-contract 13: the first message is HELLO, with every key in its type', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
    await using daemon = await started(core, 'radius');
    const channel = await core.channel();
    const hello = await until(() => channel.heard[0]);
    const text = expect.any(String);
    expect(hello).toEqual({
      instruction: 1,
      args: expect.objectContaining({
        version: expect.stringMatching(/^\d{4}\.\d+\.\d+/),
        buildHash: text,
        uuid: channel.query.get('instance_uuid'),
        golangVersion: text,
        opensslEnabled: expect.any(Boolean),
        opensslVersion: text,
        fipsEnabled: expect.any(Boolean),
        hostname: text,
      }),
    });
    expect(daemon.pid).toBeGreaterThan(0);
  });

  test('core-contract 21, 32: a lost channel comes back, counts its attempts, shows in the metric, and refreshes', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
    await using daemon = await started(core, 'radius');
    await ready(daemon);
    const connection = async () => /authentik_outpost_connection\{[^}]*\} (\d)/.exec(await metricsOf(daemon))?.[1];
    await until(async () => (await connection()) === '1');
    (await core.channel()).close();
    await until(async () => (await connection()) === '0');
    const again = await core.channel(1);
    expect(again.query.get('attempt')).toBe('1');
    expect(again.query.get('instance_uuid')).toBe((await core.channel()).query.get('instance_uuid'));
    await until(async () => (await connection()) === '1');
    await until(() => core.asked('/outposts/radius/').length === 2, 15_000);
    again.close();
    expect((await core.channel(2)).query.get('attempt')).toBe('1');
  });

  test('core-contract 35: SIGTERM closes the channel with 1000 and ends with 0', async () => {
    await using core = await startStockCore({ type: 'radius', providers: [radiusRow()] });
    await using daemon = await started(core, 'radius');
    await ready(daemon);
    const channel = await core.channel();
    process.kill(daemon.pid ?? 0, 'SIGTERM');
    expect(await channel.closed).toBe(1000);
    expect((await daemon.exited).code).toBe(0);
  });
});

const emptyPage = { pagination: { next: 0, previous: 0, count: 0 }, results: [], autocomplete: {} };

function derOf(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----|\s/g, '');
}

/** The certificate that LDAPS shows, base64. */
function certificateShown(daemon: RunningDaemon): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: daemon.bound('ldaps').port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().raw.toString('base64'));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
