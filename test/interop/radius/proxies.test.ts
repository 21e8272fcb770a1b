// Other RADIUS servers between devices and us: FreeRADIUS by UDP, two of it in a row, by RadSec, and radsecproxy. Every login
// is radclient's or eapol_test's, every verdict the core's.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { eapolTest, radclient } from '@gatehouse/radius/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, skipWithout, until } from '../../harness/index.ts';
import { startFreeRadius } from './freeradius.ts';
import { type Site, startProgram, startSite } from './site.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(async () => site[Symbol.asyncDispose]());

const secret = 'between-device-and-proxy';
const login = (port: number, password = testPassword) =>
  radclient(port, `User-Name=ada,User-Password="${password}",NAS-IP-Address=192.0.2.1,MA`, { secret });
const startRecord = (id: string) =>
  `Acct-Status-Type=Start,User-Name=ada,Acct-Session-Id=${id},NAS-IP-Address=192.0.2.1`;
const hasEvent = (id: string) =>
  until(async () => (await site.accounting()).some(({ context }) => context['session_id'] === id), 10_000);

async function radsecFiles() {
  const { certPem, keyPem } = await site.authority.issue('proxy.example.test');
  return {
    ca: join(site.folder, 'ca.pem'),
    certificate: await site.write('proxy.pem', certPem),
    key: await site.write('proxy.key', keyPem),
  };
}

describe.skipIf(['freeradius', 'radclient', 'eapol_test'].map(skipWithout).includes(true))('FreeRADIUS', () => {
  test('as proxy in front: logins pass, and refusals', async () => {
    const homeServer = { port: site.radius.bound('radius').port, secret: testRadiusSecret };
    await using proxy = await startFreeRadius({ folder: site.folder, secret, homeServer });
    expect((await login(proxy.port)).code, proxy.output().slice(-3000)).toBe('Access-Accept');
    expect((await login(proxy.port, 'wrong')).code).toBe('Access-Reject');
  });

  test('as proxy in front: EAP passes, with the keys', async () => {
    const homeServer = { port: site.radius.bound('radius').port, secret: testRadiusSecret };
    await using proxy = await startFreeRadius({ folder: site.folder, secret, homeServer });
    const given = { caPem: site.authority.caPem, identity: 'ada', secret } as const;
    const peap = await eapolTest(proxy.port, { eap: 'PEAP', inner: 'MSCHAPV2', password: site.wifiSecret, ...given });
    expect([peap.isSuccess, peap.hasKeys], peap.output.slice(-2000)).toEqual([true, true]);
    const ttls = await eapolTest(proxy.port, { eap: 'TTLS', password: testPassword, ...given });
    expect([ttls.isSuccess, ttls.hasKeys], ttls.output.slice(-2000)).toEqual([true, true]);
  });

  test('one behind another: both find their Proxy-State again', async () => {
    const homeServer = { port: site.radius.bound('radius').port, secret: testRadiusSecret };
    await using near = await startFreeRadius({ folder: site.folder, secret: 'between-proxies', homeServer });
    const next = { port: near.port, secret: 'between-proxies' };
    await using far = await startFreeRadius({ folder: site.folder, secret, homeServer: next });
    expect((await login(far.port)).code, far.output().slice(-3000)).toBe('Access-Accept');
    expect((await login(far.port, 'wrong')).code).toBe('Access-Reject');
  });

  test('radius C82: by RadSec with a client certificate: logins and accounting', async () => {
    const homeServer = { port: site.radius.bound('radsec').port, secret: 'radsec', tls: await radsecFiles() };
    await using proxy = await startFreeRadius({ folder: site.folder, secret, homeServer });
    expect((await login(proxy.port)).code, proxy.output().slice(-3000)).toBe('Access-Accept');
    const answer = await radclient(proxy.accountingPort, startRecord('by-radsec'), { secret, kind: 'acct' });
    expect(answer.code, proxy.output().slice(-3000)).toBe('Accounting-Response');
    await hasEvent('by-radsec');
  });
});

describe.skipIf(['radsecproxy', 'radclient', 'eapol_test'].map(skipWithout).includes(true))('radsecproxy', () => {
  test('from UDP to RadSec: PAP, EAP and accounting', async () => {
    const port = await freePort();
    const { ca, certificate, key } = await radsecFiles();
    const file = join(site.folder, 'radsecproxy.conf');
    await writeFile(
      file,
      `ListenUDP 127.0.0.1:${port}
LogLevel 2
tls default {
  CACertificateFile ${ca}
  CertificateFile ${certificate}
  CertificateKeyFile ${key}
}
client devices {
  host 127.0.0.1
  type udp
  secret ${secret}
}
server site {
  host 127.0.0.1
  port ${site.radius.bound('radsec').port}
  type tls
  secret radsec
  StatusServer on
}
realm * {
  server site
  accountingserver site
}
`,
    );
    await using proxy = startProgram('radsecproxy', ['-f', '-d', '2', '-c', file], site.folder);
    await proxy.printed(/listening|tlsconnect|TLS connection .* up/i);
    await until(async () => (await login(port)).code === 'Access-Accept', 20_000).catch((cause: unknown) => {
      throw new Error(proxy.output().slice(-3000), { cause });
    });
    expect((await login(port, 'wrong')).code).toBe('Access-Reject');
    const peap = { eap: 'PEAP', inner: 'MSCHAPV2', password: site.wifiSecret, identity: 'ada', secret } as const;
    const result = await eapolTest(port, { ...peap, caPem: site.authority.caPem });
    expect([result.isSuccess, result.hasKeys], result.output.slice(-2000)).toEqual([true, true]);
    const answer = await radclient(port, startRecord('by-radsecproxy'), { secret, kind: 'acct' });
    expect(answer.code).toBe('Accounting-Response');
    await hasEvent('by-radsecproxy');
  });
});
