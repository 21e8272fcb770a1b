import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBackoff, createSemaphore, createSingleFlight, supervise } from './async/index.ts';
import {
  addressList,
  boolean,
  configReference,
  defineConfig,
  duration,
  explainConfig,
  integer,
  loadConfig,
  parseAddress,
  parseDuration,
  Secret,
  secret,
  text,
  textList,
} from './config/index.ts';
import { createHealth, healthcheck, serveHealth } from './health/index.ts';
import { createMetrics } from './metrics/index.ts';
import { canonicalIp, createCidrSet, listenTcp, parseCidr } from './net/index.ts';
import { captureLogger, fakeClock, temporaryFolder } from './testing/index.ts';
import { createCertificateStore, selfSignedCertificate } from './tls/index.ts';

const definition = defineConfig({
  host: text({ required: true, doc: 'Core.' }),
  token: secret({ required: true, doc: 'Token.', hint: 'Look there.' }),
  insecure: boolean({ default: false, doc: 'x' }),
  listen: { ldap: addressList({ default: [{ host: '::', port: 3389 }], doc: 'x' }) },
  ldap: { page_size: integer({ default: 50, min: 1, max: 100, doc: 'x' }) },
  web: { timeout: duration({ default: 5000, doc: 'x' }), headers: textList({ default: ['User-Agent'], doc: 'x' }) },
});
const base = { AUTHENTIK_HOST: 'http://h/', AUTHENTIK_TOKEN: 't' };
const load = (env: Record<string, string>, argv: string[] = [], files: string[] = []) =>
  loadConfig(definition, { env: { ...base, ...env }, argv, files });

describe('configuration', () => {
  test('core-contract 44: a list of addresses, IPv6 in brackets', () => {
    const { config } = load({ AUTHENTIK_LISTEN__LDAP: '127.0.0.1:1389,[::1]:1390' });
    expect(config.listen.ldap).toEqual([
      { host: '127.0.0.1', port: 1389 },
      { host: '::1', port: 1390 },
    ]);
  });

  test('core-contract 3: a token from a file is trimmed', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 't'), ' secret\n');
    const { config, origins } = load({ AUTHENTIK_TOKEN: `file://${join(folder.path, 't')}` });
    expect(config.token.reveal()).toBe('secret');
    expect(origins.get('token')).toContain('AUTHENTIK_TOKEN → file://');
  });

  test('core-contract 4: env:// falls back to the text after the question mark', () => {
    expect(load({ AUTHENTIK_TOKEN: 'env://FOO?bar' }).config.token.reveal()).toBe('bar');
    expect(load({ AUTHENTIK_TOKEN: 'env://FOO?bar', FOO: 'set' }).config.token.reveal()).toBe('set');
    expect(load({ AUTHENTIK_HOST: 'https://x/?a=b' }).config.host).toBe('https://x/?a=b');
  });

  test('core-contract 1, 2: what is missing is named with its variable, all problems at once', () => {
    const attempt = () =>
      loadConfig(definition, {
        env: { AUTHENTIK_INSECURE: 'maybe', AUTHENTIK_LISTEN__LDAP: '0.0.0.0:70000', AUTHENTIK_LDAP__PAGE_SIZE: '101' },
        files: [],
      });
    expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
    for (const part of [
      'set AUTHENTIK_HOST',
      'set AUTHENTIK_TOKEN. Look there.',
      'insecure is "maybe" (from AUTHENTIK_INSECURE): it must be true or false',
      '"0.0.0.0:70000" is not',
      'at most 100',
    ]) {
      expect(attempt).toThrow(part);
    }
  });

  test('an unknown flag is a problem, flags win over environment, environment over files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-'));
    await writeFile(join(folder, 'a.yml'), 'ldap: { page_size: 10 }\nlisten: { ldap: "127.0.0.1:1" }\n');
    const files = [join(folder, 'a.yml')];
    expect(load({}, [], files).config).toMatchObject({ ldap: { page_size: 10 }, listen: { ldap: [{ port: 1 }] } });
    expect(load({ AUTHENTIK_LDAP__PAGE_SIZE: '20' }, [], files).config.ldap.page_size).toBe(20);
    expect(load({ AUTHENTIK_LDAP__PAGE_SIZE: '20' }, ['--ldap.page_size=30'], files).config.ldap.page_size).toBe(30);
    expect(() => load({}, ['--nope=1'])).toThrow('"--nope=1" is not a known flag');
    await rm(folder, { recursive: true });
  });

  test('the value tree is frozen, the secret shows nowhere', () => {
    const loaded = load({ AUTHENTIK_TOKEN: 'hush-hush' });
    expect(Object.isFrozen(loaded.config.listen.ldap)).toBe(true);
    const shown = [
      explainConfig(definition, loaded),
      inspect(loaded, { depth: 9 }),
      JSON.stringify(loaded.config),
      `${loaded.config.token}`,
    ].join('\n');
    expect(shown).not.toContain('hush-hush');
    expect(shown).toMatch(/token\s+\*\*\*\s+AUTHENTIK_TOKEN/);
    expect(configReference(definition, 'markdown')).toContain(
      '| `listen.ldap` | `AUTHENTIK_LISTEN__LDAP` | list of addresses | `[::]:3389` | x |',
    );
  });

  for (const [given, expected] of [
    ['5s', 5000],
    ['1h30m', 5_400_000],
    ['300ms', 300],
    ['1.5h', 5_400_000],
    ['7', 7000],
    ['', undefined],
    ['5', 5000],
    ['5x', undefined],
    ['s', undefined],
  ] as const) {
    test(`duration ${JSON.stringify(given)}`, () => expect(parseDuration(given)).toBe(expected));
  }

  test('addresses: whatever parses has a port that exists', () => {
    fc.assert(
      fc.property(fc.string(), (given) => {
        const address = parseAddress(given);
        if (address !== undefined) expect(address.port).toBeLessThan(65_536);
      }),
    );
  });

  test('secrets compare by content', () => {
    expect(new Secret('a').equals('a')).toBe(true);
    expect(new Secret('a').equals(new Secret('b'))).toBe(false);
    expect(new Secret('a').equals('ab')).toBe(false);
  });
});

describe('asynchronous tools', () => {
  test('the back-off doubles, is capped, and starts over', () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 1000, random: () => 0.5 });
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  test('single flight: one run for all who ask meanwhile, a new one afterwards, also after a failure', async () => {
    const flight = createSingleFlight<string, number>();
    let runs = 0;
    const task = async () => {
      runs += 1;
      await Promise.resolve();
      if (runs === 1) throw new Error('first');
      return runs;
    };
    expect(
      (await Promise.allSettled([flight.run('a', task), flight.run('a', task)])).map(({ status }) => status),
    ).toEqual(['rejected', 'rejected']);
    expect(await Promise.all([flight.run('a', task), flight.run('a', task), flight.run('b', task)])).toEqual([3, 3, 3]);
    expect(flight.size).toBe(0);
  });

  test('semaphore: never more than its permits, order kept, waiting can be given up', async () => {
    const semaphore = createSemaphore(2);
    let inside = 0;
    let most = 0;
    const task = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    const leaving = new AbortController();
    const all = [1, 2, 3, 4, 5].map(() => semaphore.run(task));
    const given = semaphore.run(task, leaving.signal);
    leaving.abort(new Error('left'));
    await expect(given).rejects.toThrow('left');
    await Promise.all(all);
    expect([most, inside, semaphore.waiting]).toEqual([2, 0, 0]);
  });

  test('a supervised task is started again after its wait and ends with its signal', async () => {
    const clock = fakeClock();
    const log = captureLogger();
    const ending = new AbortController();
    let runs = 0;
    const done = supervise(
      log,
      'loop',
      async () => {
        runs += 1;
        throw new Error(`run ${runs}`);
      },
      { signal: ending.signal, clock, backoff: createBackoff({ baseMs: 1000, maxMs: 8000, jitter: 0 }) },
    );
    await clock.advance(3500);
    expect(runs).toBe(3);
    ending.abort();
    await done;
    expect(log.lines.map(({ error }) => error)).toEqual(['run 1', 'run 2', 'run 3']);
  });
});

describe('networks', () => {
  test('the longest prefix wins, both families, mapped addresses as IPv4', () => {
    const set = createCidrSet(['10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', '2001:db8::/32', '::1/128']);
    expect(set.longest('10.1.2.3')).toBe('10.1.0.0/16');
    expect(set.longest('::ffff:10.2.2.3')).toBe('10.0.0.0/8');
    expect(set.longest('192.168.1.1')).toBe('0.0.0.0/0');
    expect(set.longest('2001:db8::9')).toBe('2001:db8::/32');
    expect(set.has('2001:db9::9')).toBe(false);
    expect(createCidrSet(['fe80::/10']).has('fe80::1%eth0')).toBe(true);
    expect(canonicalIp('::ffff:1.2.3.4')).toBe('1.2.3.4');
  });

  for (const bad of ['', '10.0.0.0/33', '10.0.0/8', 'x/8', '10.0.0.0/', '::/129', '10.0.0.0/-1', '010.0.0.256/8']) {
    test(`"${bad}" is no network`, () =>
      expect(() => parseCidr(bad)).toThrow(expect.objectContaining({ code: 'ERR_NET_CIDR' })));
  }

  test('a taken port is named with reason and setting; caps hold; closing cuts what stays', async () => {
    const log = captureLogger();
    const options = {
      component: 'ldap',
      setting: 'AUTHENTIK_LISTEN__LDAP',
      limits: { total: 9, perClient: 2 },
      log,
      onConnection: () => undefined,
    };
    const listener = await listenTcp({ ...options, addresses: [{ host: '127.0.0.1', port: 0 }] });
    const port = listener.bound[0]?.port ?? 0;
    await expect(listenTcp({ ...options, addresses: [{ host: '127.0.0.1', port }] })).rejects.toMatchObject({
      code: 'ERR_NET_BIND',
      message: expect.stringContaining(`127.0.0.1:${port} for ldap: another process listens there`),
      hint: expect.stringContaining('AUTHENTIK_LISTEN__LDAP'),
    });
    const sockets = [1, 2, 3].map(() => connect(port, '127.0.0.1').on('error', () => undefined));
    const third = sockets[2];
    if (third !== undefined) await new Promise((resolve) => third.once('close', resolve));
    expect(log.lines.some(({ reason }) => reason === 'too_many_of_client')).toBe(true);
    await listener.close(0);
    expect(log.lines[0]).toMatchObject({ event: 'listening', addr: `127.0.0.1:${port}`, component: 'ldap' });
  });
});

describe('health and TLS', () => {
  test('core-contract 30, 31: ping, metrics, 404, readiness, and the health check by socket', async () => {
    await using folder = await temporaryFolder();
    const socketPath = join(folder.path, 'h.sock');
    const health = createHealth();
    const metrics = createMetrics();
    metrics
      .gauge({ name: 'authentik_outpost_info', help: 'x', labels: ['outpost_name'] })
      .set({ outpost_name: 'o' }, 1);
    expect(await healthcheck(socketPath)).toBe(1);
    {
      await using server = await serveHealth({
        health,
        metrics,
        addresses: [{ host: '127.0.0.1', port: 0 }],
        socketPath,
        log: captureLogger(),
      });
      const ask = (path: string) => fetch(`http://127.0.0.1:${server.bound[0]?.port}${path}`);
      expect((await ask('/outpost.goauthentik.io/ping')).status).toBe(204);
      expect(await (await ask('/metrics')).text()).toContain('authentik_outpost_info{outpost_name="o"} 1');
      expect((await ask('/x')).status).toBe(404);
      expect((await ask('/-/ready')).status).toBe(503);
      health.set('core', { state: 'ready' });
      expect((await ask('/-/ready')).status).toBe(200);
      health.set('core', { state: 'degraded', reason: 'core unreachable' });
      expect(await (await ask('/-/ready')).json()).toMatchObject({
        ready: false,
        components: { core: { reason: 'core unreachable' } },
      });
      expect(await healthcheck(socketPath)).toBe(0);
    }
    expect(await healthcheck(socketPath)).toBe(1);
  });

  test('core-contract 28: the fallback certificate is for *, under its well-known name; names choose their own', async () => {
    const pair = await selfSignedCertificate();
    const certificate = new X509Certificate(pair.certPem);
    expect(certificate.subject).toBe('O=authentik\nCN=authentik default certificate');
    expect(certificate.subjectAltName).toBe('DNS:*');
    const store = createCertificateStore(pair);
    const standard = store.choose(undefined);
    const other = createCertificateStore(pair).choose(undefined);
    store.replace(new Map([['Ldap.Example.org', other]]));
    expect(store.choose('ldap.example.ORG.')).toBe(other);
    expect(store.choose('elsewhere')).toBe(standard);
  });

  test('the logger writes contract keys, and a changed level reaches children', () => {
    const log = captureLogger();
    const child = log.child({ component: 'x', conn: 7 });
    child.warn('something happened', { reason: 'because' });
    log.setLevel('error');
    child.warn('unheard');
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({
      level: 'warning',
      event: 'something happened',
      logger: 'test',
      conn: 7,
      reason: 'because',
      timestamp: expect.stringMatching(/Z$/),
    });
  });
});
