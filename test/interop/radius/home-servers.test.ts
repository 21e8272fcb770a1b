// Other RADIUS servers behind us: logins of their realms are theirs to decide. A real FreeRADIUS answers as home server, asked
// by radclient and eapol_test through `gatehouse radius`.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { createTestAuthority, type TestAuthority, temporaryFolder } from '@gatehouse/daemon/testing';
import { eapolTest, radclient } from '@gatehouse/radius/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarted, freePort, skipWithout, until } from '../../harness/index.ts';
import { type FreeRadius, startFreeRadius, type TlsFiles } from './freeradius.ts';
import { type Program, type Site, startProgram, startSite } from './site.ts';

const homeSecret = 'between-us-and-home';
const users = `visitor Cleartext-Password := "far-away"
  Reply-Message = "welcome",
  Tunnel-Private-Group-Id:1 = "999",
  Class = "from-home"

vpn Cleartext-Password := "far-away"
  Tunnel-Password:1 = "shared with the device",
  Filter-Id = "home-filter"
`;

const started = createStarted();
let authority: TestAuthority;
let home: FreeRadius;
let site: Site;
let relay: Program;

const isMissing = ['radsecproxy', 'freeradius', 'radclient', 'eapol_test'].map(skipWithout).includes(true);

beforeAll(async () => {
  if (isMissing) return;
  const folder = started.use(await temporaryFolder());
  authority = started.use(await createTestAuthority());
  const { certPem, keyPem } = await authority.issue('radius.home.test', {
    purpose: 'server',
    names: 'DNS:radius.home.test',
  });
  const own = await authority.issue('gatehouse.site.test');
  const file = async (name: string, text: string) => {
    const path = join(folder.path, name);
    await writeFile(path, text);
    return path;
  };
  const [key, certificate, ca] = await Promise.all([
    file('home.key', keyPem),
    file('home.pem', certPem),
    file('home-ca.pem', authority.caPem),
  ]);
  const [ownKey, ownCertificate] = await Promise.all([file('own.key', own.keyPem), file('own.pem', own.certPem)]);
  home = started.use(
    await startFreeRadius({
      folder: folder.path,
      secret: homeSecret,
      users,
      eapModule: eapOf(key, certificate, ca),
      radsec: { key, certificate, ca },
    }),
  );
  const relayPort = await freePort();
  const relayFile = await file('relay.conf', relayOf(relayPort, { key, certificate, ca }));
  relay = started.use(startProgram('radsecproxy', ['-f', '-d', '2', '-c', relayFile], folder.path));
  const tls = `{ ca: ${ca}, certificate: ${ownCertificate}, key: ${ownKey}, server_name: radius.home.test }`;
  const policy = `
home_servers:
  away: { address: 127.0.0.1, port: 9, secret: nobody, response_window: 0.3 }
  home: { address: 127.0.0.1, port: ${home.port}, accounting_port: ${home.accountingPort}, secret: ${homeSecret} }
  tls: { address: 127.0.0.1, port: ${home.radsecPort}, tls: ${tls} }
  relay: { address: 127.0.0.1, port: ${relayPort}, tls: ${tls} }
  other-name: { address: localhost, port: ${home.radsecPort}, tls: ${tls.replace('radius.home.test', 'other.test')} }
realms:
  - { realm: tls.test, home_servers: [tls], strip: true, accounting: home, allow: [Tunnel-Password] }
  - { realm: relay.test, home_servers: [relay], strip: true, accounting: home }
  - { realm: wrong.test, home_servers: [other-name, tls], strip: true }
  - { realm: [home.test, HOME], home_servers: [home], strip: true, accounting: home }
  - { realm: trusted.test, home_servers: [home], strip: true, allow: [Tunnel-Password, Filter-Id], accounting: both }
  - { realm: two.test, home_servers: [away, home], strip: true }
attributes:
  - { realm: home.test, set: { Tunnel-Type:1: VLAN, Tunnel-Medium-Type:1: IEEE-802, Tunnel-Private-Group-Id:1: 66 } }
`;
  site = started.use(await startSite(policy));
});
afterAll(() => started[Symbol.asyncDispose]());

const port = () => site.radius.bound('radius').port;
const login = (username: string, password = 'far-away') =>
  radclient(port(), `User-Name="${username}",User-Password="${password}",NAS-IP-Address=192.0.2.1,MA`, {
    secret: testRadiusSecret,
  });

describe.skipIf(isMissing)('FreeRADIUS behind us', () => {
  test('PAP: decided there, under both spellings of a realm; our own users stay here', async () => {
    for (const name of ['visitor@home.test', 'visitor@HOME.Test', 'HOME\\\\visitor']) {
      const { code, output } = await login(name);
      expect(code, home.output().slice(-3_000)).toBe('Access-Accept');
      expect(output).toContain('Reply-Message = "welcome"');
    }
    expect((await login('visitor@home.test', 'wrong')).code).toBe('Access-Reject');
    expect((await login('ada', testPassword)).code).toBe('Access-Accept');
    expect((await login('visitor@elsewhere.test')).code).toBe('Access-Reject');
    const line = site.radius.lines.find(({ home_server }) => home_server === 'home');
    expect(line).toMatchObject({ event: 'Radius Response', code: 'Access-Accept', realm: 'home.test' });
  });

  test('a password of several blocks arrives as it was typed', async () => {
    const { code } = await login('visitor@home.test', 'far-away-and-much-longer-than-sixteen-octets');
    expect(code).toBe('Access-Reject');
    expect(home.output()).toContain('User-Password = "far-away-and-much-longer-than-sixteen-octets"');
  });

  test('CHAP: the challenge goes along', async () => {
    const { code } = await radclient(port(), 'User-Name=visitor@home.test,CHAP-Password=far-away,MA', {
      secret: testRadiusSecret,
    });
    expect(code, home.output().slice(-3_000)).toBe('Access-Reject'); // no chap module there
    expect(home.output()).toMatch(/CHAP-Challenge = 0x[0-9a-f]{32}/);
  });

  test('VLANs of another organisation are not ours: its own are dropped, those of our rules are sent', async () => {
    const { output } = await login('visitor@home.test');
    expect(output).toContain('Tunnel-Private-Group-Id:1 = "66"');
    expect(output).not.toContain('999');
    expect(output).toContain('Class = 0x66726f6d2d686f6d65');
  });

  test('what is allowed comes through, hidden anew for the device', async () => {
    const { output } = await login('vpn@trusted.test');
    expect(output).toContain('Filter-Id = "home-filter"');
    expect(output).toContain('Tunnel-Password:1 = "shared with the device"');
    expect((await login('vpn@home.test')).output).not.toContain('Filter-Id');
  });

  test.each(['TTLS', 'PEAP'] as const)('EAP-%s passes, with the keys', async (eap) => {
    const given = { caPem: authority.caPem, secret: testRadiusSecret, fragmentBytes: 600 } as const;
    const inner = eap === 'PEAP' ? 'GTC' : 'PAP';
    const asked = { eap, inner, identity: 'visitor', anonymous: 'anonymous@home.test', password: 'far-away' } as const;
    const good = await eapolTest(port(), { ...given, ...asked });
    expect([good.isSuccess, good.hasKeys], home.output().slice(-4_000)).toEqual([true, true]);
    const bad = await eapolTest(port(), { ...given, ...asked, password: 'wrong' });
    expect(bad.isSuccess).toBe(false);
  });

  test('accounting: handed on, or kept and handed on, and answered when it is there', async () => {
    const record = (id: string, realm: string) =>
      radclient(
        site.radius.bound('accounting').port,
        `Acct-Status-Type=Start,User-Name=visitor@${realm},Acct-Session-Id=${id},NAS-IP-Address=192.0.2.1`,
        { secret: testRadiusSecret, kind: 'acct' },
      );
    expect((await record('s-home', 'home.test')).code).toBe('Accounting-Response');
    expect((await record('s-both', 'trusted.test')).code).toBe('Accounting-Response');
    expect(home.output()).toContain('Acct-Session-Id = "s-home"');
    expect(home.output()).toContain('Acct-Session-Id = "s-both"');
    const kept = async () => (await site.accounting()).map(({ context }) => context['session_id']);
    await until(async () => (await kept()).includes('s-both'), 10_000);
    expect(await kept()).not.toContain('s-home');
  });

  test('a server that is away: the next one answers', async () => {
    expect((await login('visitor@two.test')).code).toBe('Access-Accept');
    await until(() => site.radius.lines.some(({ event }) => event === 'home server dead'), 15_000);
    expect((await login('visitor@two.test')).code).toBe('Access-Accept');
  });
});

describe.skipIf(isMissing)('RadSec behind us', () => {
  test.each([
    ['FreeRADIUS', 'tls.test'],
    ['radsecproxy in front of FreeRADIUS', 'relay.test'],
  ])('%s: PAP, EAP with its keys, accounting', async (_who, realm) => {
    await until(async () => (await login(`visitor@${realm}`)).code === 'Access-Accept', 20_000).catch(
      (cause: unknown) => {
        throw new Error(`${home.output().slice(-3_000)}${relay.output().slice(-2_000)}`, { cause });
      },
    );
    expect((await login(`visitor@${realm}`, 'wrong')).code).toBe('Access-Reject');
    const eap = { eap: 'TTLS', identity: 'visitor', anonymous: `anonymous@${realm}`, password: 'far-away' } as const;
    const result = await eapolTest(port(), { ...eap, caPem: authority.caPem, secret: testRadiusSecret });
    expect([result.isSuccess, result.hasKeys], home.output().slice(-4_000)).toEqual([true, true]);
    const record = `Acct-Status-Type=Start,User-Name=visitor@${realm},Acct-Session-Id=by-${realm},NAS-IP-Address=192.0.2.1`;
    const given = { secret: testRadiusSecret, kind: 'acct' } as const;
    expect((await radclient(site.radius.bound('accounting').port, record, given)).code).toBe('Accounting-Response');
    expect(home.output()).toContain(`Acct-Session-Id = "by-${realm}"`);
  });

  test('a tunnel password that comes by TLS is hidden anew for the device', async () => {
    expect((await login('vpn@tls.test')).output).toContain('Tunnel-Password:1 = "shared with the device"');
  });

  test('a server that is not who it should be is passed over', async () => {
    expect((await login('visitor@wrong.test')).code).toBe('Access-Accept');
    const dead = () => site.radius.lines.find((one) => one['home_server'] === 'other-name');
    await until(() => dead() !== undefined, 10_000);
    expect(dead()).toMatchObject({ event: 'home server dead', reason: expect.stringContaining('other.test') });
  });
});

/** Takes RadSec and asks FreeRADIUS by datagrams. */
function relayOf(at: number, { certificate, key, ca }: TlsFiles): string {
  return `ListenTLS 127.0.0.1:${at}
LogLevel 2
tls default {
  CACertificateFile ${ca}
  CertificateFile ${certificate}
  CertificateKeyFile ${key}
}
client us {
  host 127.0.0.1
  type tls
  secret radsec
  certificateNameCheck off
}
server home {
  host 127.0.0.1
  port ${home.port}
  type udp
  secret ${homeSecret}
}
server home-accounting {
  host 127.0.0.1
  port ${home.accountingPort}
  type udp
  secret ${homeSecret}
}
realm * {
  server home
  accountingserver home-accounting
}
`;
}

function eapOf(key: string, certificate: string, ca: string): string {
  return `eap {
    default_eap_type = ttls
    tls-config common {
      private_key_file = ${key}
      certificate_file = ${certificate}
      ca_file = ${ca}
      fragment_size = 600
      cipher_list = "DEFAULT"
      tls_min_version = "1.2"
      tls_max_version = "1.2"
    }
    gtc {
      challenge = "Password: "
      auth_type = PAP
    }
    ttls {
      tls = common
      virtual_server = inner
    }
    peap {
      tls = common
      default_eap_type = gtc
      virtual_server = inner
    }
  }`;
}
