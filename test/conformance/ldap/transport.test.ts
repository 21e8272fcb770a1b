// ldap.md §2 over the wire: certificates by server name and their swap, confidentiality, SASL, connection limits, shedding,
// PROXY headers, password changes.
import { connect } from 'node:net';
import { extendedOid } from '@gatehouse/wire/ldap';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningDaemon, until } from '../../harness/index.ts';
import { type Authority, createAuthority } from './certificates.ts';
import { direct, dnOf, ldapFixture, password, startOutpost } from './fixture.ts';
import { bindRequest, searchRequest, valuesIn, WireClient } from './wire-client.ts';

const fixture = ldapFixture();
let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority[Symbol.asyncDispose]());

const rootDse = searchRequest('', '(objectClass=*)', { scope: 'baseObject', attributes: ['*', '+'] });
const startTls = { op: 'extendedRequest', name: extendedOid.startTls, value: undefined } as const;
const whoAmI = { op: 'extendedRequest', name: extendedOid.whoAmI, value: undefined } as const;

interface LdapProviderRow {
  readonly pk: number;
  readonly name: string;
}
async function providerNamed(name: string): Promise<LdapProviderRow> {
  const { results } = await fixture.core.call<{ results: LdapProviderRow[] }>('GET', '/providers/ldap/');
  const found = results.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no provider ${name}`);
  return found;
}
async function uploadPair(name: string, commonName: string, ...extensions: string[]): Promise<string> {
  const { cert, key } = await authority.issue(commonName, ...extensions);
  const body = { name, certificate_data: cert, key_data: key };
  return (await fixture.core.call<{ pk: string }>('POST', '/crypto/certificatekeypairs/', body)).pk;
}
async function settings(pk: number, values: object): Promise<void> {
  await fixture.core.call('PATCH', `/providers/ldap/${pk}/`, values);
  await fixture.refresh();
}
async function shownTo(servername: string | undefined): Promise<string> {
  using client = await WireClient.secure(fixture.securePort, servername === undefined ? {} : { servername });
  return String(client.tls?.getPeerCertificate().subject.CN);
}

describe('certificates', () => {
  test('ldap 34: the server name chooses among providers; an unknown one gets our own certificate', async () => {
    const [one, other] = [await providerNamed('Directory'), await providerNamed('Direct')];
    const first = await uploadPair(
      'first',
      'first.example',
      'subjectAltName=DNS:alias.first.example,DNS:*.wild.example',
    );
    const second = await uploadPair('second', 'second.example');
    await settings(one.pk, { certificate: first, tls_server_name: 'ldap.first.example' });
    await settings(other.pk, { certificate: second, tls_server_name: 'ldap.second.example' });
    await until(async () => (await shownTo('ldap.second.example')) === 'second.example', 20_000);
    expect(await shownTo('LDAP.First.Example')).toBe('first.example');
    expect(await shownTo('alias.first.example')).toBe('first.example');
    expect(await shownTo('any.wild.example')).toBe('first.example');
    expect(await shownTo('far.any.wild.example')).toBe('authentik default certificate');
    expect(await shownTo('unknown.example')).toBe('authentik default certificate');
    expect(await shownTo(undefined)).toBe('authentik default certificate');
  });

  test('ldap 34: StartTLS shows the same, and a name whose provider has no certificate gets our own', async () => {
    using client = await WireClient.plain(fixture.port);
    expect(await client.code(startTls)).toBe(0);
    await client.startTls({ servername: 'ldap.first.example' });
    expect(client.tls?.getPeerCertificate().subject.CN).toBe('first.example');
    await settings((await providerNamed('Direct')).pk, { certificate: null });
    await until(async () => (await shownTo('ldap.second.example')) === 'authentik default certificate', 20_000);
  });

  test('a renewed certificate is shown to new connections, open ones go on', async () => {
    using client = await WireClient.secure(fixture.securePort, { servername: 'ldap.first.example' });
    expect(await client.bind(dnOf('jdoe'), password)).toBe(0);
    await settings((await providerNamed('Directory')).pk, {
      certificate: await uploadPair('renewed', 'renewed.example'),
    });
    await until(async () => (await shownTo('ldap.first.example')) === 'renewed.example', 20_000);
    expect(await client.code(whoAmI)).toBe(0);
  });

  test('ldap 35: one certificate for all providers is shown for every name', async () => {
    const shared = await uploadPair('shared', 'shared.example');
    for (const name of ['Directory', 'Direct'])
      await settings((await providerNamed(name)).pk, { certificate: shared, tls_server_name: '' });
    await until(async () => (await shownTo('whatever.example')) === 'shared.example', 20_000);
    expect(await shownTo(undefined)).toBe('shared.example');
  });

  test('ldap 36: of TLS 1.2 only ECDHE with AES, and no ChaCha20', async () => {
    const offered = (ciphers: string) =>
      WireClient.secure(fixture.securePort, { maxVersion: 'TLSv1.2', ciphers }).then(
        (client) => {
          using made = client;
          return made.tls?.getCipher().name;
        },
        () => 'refused',
      );
    expect(await offered('ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305')).toBe('refused');
    expect(await offered('AES128-SHA:AES256-SHA')).toBe('refused');
    expect(await offered('ECDHE-ECDSA-AES128-GCM-SHA256')).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
  });
});

describe('confidentiality', () => {
  test.each(['binds', 'everything'])('%s: passwords in clear text are 13 and never reach the core', async (policy) => {
    await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__REQUIRE_TLS: policy });
    using client = await WireClient.plain(outpost.bound('ldap').port);
    const calls = fixture.gate.calls.filter(({ path }) => path.includes('/flows/')).length;
    expect(await client.bind(dnOf('jdoe'), password)).toBe(13);
    expect(fixture.gate.calls.filter(({ path }) => path.includes('/flows/'))).toHaveLength(calls);
    expect(await client.code(rootDse)).toBe(0);
    expect(await client.bind('', '')).toBe(0);
    expect(await client.code(whoAmI)).toBe(policy === 'everything' ? 13 : 0);
    expect(await client.code(startTls)).toBe(0);
    await client.startTls();
    expect(await client.bind(dnOf('jdoe'), password)).toBe(0);
    expect(await client.code(searchRequest(dnOf('jdoe'), '(objectClass=*)'))).toBe(0);
  });
});

describe('SASL', () => {
  const plain = (authzId: string, authcId: string, secret: string) =>
    bindRequest('', {
      kind: 'sasl',
      mechanism: 'PLAIN',
      credentials: Buffer.from(`${authzId}\0${authcId}\0${secret}`),
    });
  const external = (claim?: string) =>
    bindRequest('', {
      kind: 'sasl',
      mechanism: 'EXTERNAL',
      credentials: claim === undefined ? undefined : Buffer.from(claim),
    });
  const identityOf = async (client: WireClient) => {
    const op = (await client.request(whoAmI)).at(-1)?.op;
    return op?.op === 'extendedResponse' ? String(op.responseValue ?? '') : '';
  };

  test('PLAIN is offered and accepted over TLS only, and is the same login as a simple bind', async () => {
    using clear = await WireClient.plain(fixture.port);
    expect(valuesIn(await clear.request(rootDse), 'supportedSASLMechanisms')).toEqual([]);
    expect(await clear.code(plain('', dnOf('jdoe'), password))).toBe(7);
    using client = await WireClient.secure(fixture.securePort);
    expect(valuesIn(await client.request(rootDse), 'supportedSASLMechanisms')).toEqual(['PLAIN']);
    expect(await client.code(plain('', dnOf('jdoe'), password))).toBe(0);
    expect(await identityOf(client)).toBe(`dn:${dnOf('jdoe')}`);
    expect(await client.code(plain(`dn:${dnOf('jdoe')}`, `dn:${dnOf('JDOE')}`, password))).toBe(0);
    expect(await client.code(plain('', dnOf('jdoe'), 'wrong'))).toBe(49);
    expect(await identityOf(client)).toBe('');
    expect(await client.code(plain(`dn:${dnOf('svc')}`, dnOf('jdoe'), password))).toBe(123);
    expect(await client.code(plain('', dnOf('jdoe'), ''))).toBe(53);
    expect(
      await client.code(bindRequest('', { kind: 'sasl', mechanism: 'PLAIN', credentials: Buffer.from('x') })),
    ).toBe(2);
  });

  test('PLAIN with a bare name needs to know the provider: by the server name of TLS', async () => {
    await settings((await providerNamed('Direct')).pk, { tls_server_name: 'direct.example' });
    using client = await WireClient.secure(fixture.securePort, { servername: 'direct.example' });
    expect(await client.code(plain('', 'jdoe', password))).toBe(0);
    expect(await identityOf(client)).toBe(`dn:${dnOf('jdoe', direct)}`);
    using unnamed = await WireClient.secure(fixture.securePort);
    expect(await unnamed.code(plain('', 'u:jdoe', password))).toBe(49);
  });

  test('ANONYMOUS is nobody; mechanisms of several steps are 7', async () => {
    using client = await WireClient.secure(fixture.securePort);
    const anonymous = bindRequest('', { kind: 'sasl', mechanism: 'ANONYMOUS', credentials: Buffer.from('trace') });
    expect([await client.code(anonymous), await identityOf(client)]).toEqual([0, '']);
    for (const mechanism of ['DIGEST-MD5', 'GSSAPI', 'SCRAM-SHA-256', 'GSS-SPNEGO', 'EXTERNAL'])
      expect(await client.code(bindRequest('', { kind: 'sasl', mechanism, credentials: undefined }))).toBe(7);
  });

  describe('EXTERNAL', () => {
    let outpost: RunningDaemon;
    beforeAll(async () => {
      outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__CLIENT_CA: authority.file });
    });
    afterAll(() => outpost[Symbol.asyncDispose]());
    const connected = (pair: { cert: string; key: string }) =>
      WireClient.secure(outpost.bound('ldaps').port, { ...pair, servername: 'direct.example' });

    test('is offered to whoever shows a certificate of our authority, and to nobody else', async () => {
      using known = await connected(await authority.issue('jdoe'));
      expect(valuesIn(await known.request(rootDse), 'supportedSASLMechanisms')).toEqual(['PLAIN', 'EXTERNAL']);
      await using stranger = await createAuthority('Somebody else');
      using unknown = await connected(await stranger.issue('jdoe'));
      expect(valuesIn(await unknown.request(rootDse), 'supportedSASLMechanisms')).toEqual(['PLAIN']);
      expect(await unknown.code(external())).toBe(7);
      using none = await WireClient.secure(outpost.bound('ldaps').port);
      expect(await none.code(external())).toBe(7);
    });

    test('the core sees the certificate; a flow that wants a password refuses, and a claim of another name is 49', async () => {
      using client = await connected(await authority.issue('jdoe'));
      const before = fixture.gate.calls.length;
      expect(await client.code(external())).toBe(49);
      const shown = fixture.gate.calls.slice(before).find(({ path }) => path.includes('/flows/'));
      expect(decodeURIComponent(String(shown?.headers['x-authentik-outpost-certificate']))).toContain(
        'BEGIN+CERTIFICATE',
      );
      const flows = () => fixture.gate.calls.filter(({ path }) => path.includes('/flows/')).length;
      const asked = flows();
      expect(await client.code(external('u:svc'))).toBe(49);
      expect(flows()).toBe(asked);
    });

    test('a flow without a password stage lets the certificate in as whom it names', async () => {
      const { core } = fixture;
      const flow = await core.call<{ pk: string }>('POST', '/flows/instances/', {
        name: 'By certificate',
        slug: 'by-certificate',
        title: 'By certificate',
        designation: 'authentication',
      });
      for (const [order, kind] of ['identification', 'user_login'].entries()) {
        const { results } = await core.call<{ results: { pk: string }[] }>('GET', `/stages/${kind}/`);
        await core.call('POST', '/flows/bindings/', { target: flow.pk, stage: results[0]?.pk, order });
      }
      const provider = await providerNamed('Direct');
      const { authorization_flow } = await core.call<{ authorization_flow: string }>(
        'GET',
        `/providers/ldap/${provider.pk}/`,
      );
      await settings(provider.pk, { authorization_flow: flow.pk });
      process.kill(outpost.pid ?? 0, 'SIGUSR1');
      using client = await connected(await authority.issue('somebody', 'subjectAltName=email:jdoe@example.com'));
      await until(async () => (await client.code(external())) === 0, 20_000);
      expect(await identityOf(client)).toBe(`dn:${dnOf('jdoe', direct)}`);
      await settings(provider.pk, { authorization_flow });
    });
  });
});

describe('PROXY headers', () => {
  const header = 'PROXY TCP4 203.0.113.9 192.0.2.1 4711 389\r\n';
  const bindBehind = (port: number, prefix: string) =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat([Buffer.from(prefix), bytes])));
      const bytes = Buffer.from('300c020101600702010304008000', 'hex');
      socket.once('data', () => {
        resolve(true);
        socket.destroy();
      });
      socket.once('close', () => resolve(false));
      socket.on('error', () => undefined);
    });

  test('ldap 30: the core hears the address that a trusted peer names, and the socket address of others', async () => {
    const before = fixture.gate.calls.length;
    using client = await WireClient.plain(fixture.port);
    client.write(Buffer.from(header));
    expect(await client.bind(dnOf('jane', direct), 'wrong')).toBe(49);
    const heard = fixture.gate.calls.slice(before).flatMap(({ headers }) => headers['x-authentik-remote-ip'] ?? []);
    expect(new Set(heard)).toEqual(new Set(['203.0.113.9']));
  });

  test('ldap 30: a header from a stranger ends the connection; where one is required, its lack does', async () => {
    await using strict = await startOutpost(fixture, { AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '192.0.2.0/24' });
    expect(await bindBehind(strict.bound('ldap').port, header)).toBe(false);
    expect(await bindBehind(strict.bound('ldap').port, '')).toBe(true);
    await using required = await startOutpost(fixture, { AUTHENTIK_LDAP__PROXY_PROTOCOL: 'require' });
    expect(await bindBehind(required.bound('ldap').port, header)).toBe(true);
    expect(await bindBehind(required.bound('ldap').port, '')).toBe(false);
  });
});

describe('the wrong port', () => {
  const toldOf = (event: string, reason: RegExp) => () =>
    fixture.daemon.lines.some((line) => line.event === event && reason.test(String(line['reason'])));

  test('TLS where StartTLS comes first costs that connection, and the log says which port is meant', async () => {
    await expect(WireClient.secure(fixture.port)).rejects.toThrow();
    await until(async () => toldOf('message not understood', /AUTHENTIK_LISTEN__LDAPS/)());
  });

  test('plain LDAP on the port of LDAPS is told too', async () => {
    using client = await WireClient.plain(fixture.securePort);
    client.send(rootDse);
    await client.closed;
    await until(async () => toldOf('TLS handshake failed', /AUTHENTIK_LISTEN__LDAP\)/)());
  });
});
