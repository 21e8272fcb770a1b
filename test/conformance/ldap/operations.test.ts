// Other operations (ldap.md §18, cases 83 to 89), and what operators see (90 to 95).
import { encodeCancel, extendedOid } from '@gatehouse/wire/ldap';
import { Attribute, Change, Control } from 'ldapts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../harness/index.ts';
import { code, names } from './asking.ts';
import { bases, cached, direct, dnOf, ldapFixture, password } from './fixture.ts';
import { codeOf, searchRequest, WireClient } from './wire-client.ts';

const fixture = ldapFixture();

const bindCode = (dn: string, secret: string) => code(fixture.client().bind(dn, secret));

describe.each(bases)('operations below %s', (base) => {
  test('ldap 83: pages hold every entry once', async () => {
    const svc = await fixture.bound('svc', base);
    const whole = await names(svc, `ou=users,${base}`, '(objectClass=user)');
    const paged: string[] = [];
    for await (const { searchEntries } of svc.searchPaginated(`ou=users,${base}`, {
      scope: 'sub',
      filter: '(objectClass=user)',
      paged: { pageSize: 2 },
    })) {
      expect(searchEntries.length).toBeLessThanOrEqual(2);
      paged.push(...searchEntries.map(({ dn }) => dn));
    }
    expect(paged).toEqual(whole);
  });

  test('ldap 84: an unknown control stops the operation only if it is critical', async () => {
    const svc = await fixture.bound('svc', base);
    const search = (critical: boolean) =>
      code(svc.search(base, { filter: '(cn=jdoe)' }, new Control('1.2.3.4', { critical })));
    expect([await search(true), await search(false)]).toEqual([12, 0]);
  });

  test('ldap 85: compare', async () => {
    const svc = await fixture.bound('svc', base);
    const devs = `cn=devs,ou=groups,${base}`;
    expect(await svc.compare(devs, 'member', dnOf('jdoe', base))).toBe(true);
    expect(await svc.compare(devs, 'member', dnOf('jane', base))).toBe(false);
    expect(await code(svc.compare(`cn=nope,ou=groups,${base}`, 'member', 'x'))).toBe(32);
    expect(await code(svc.compare(devs, 'loginShell', 'x'))).toBe(16);
  });

  test('ldap 86: Who am I?', async () => {
    const client = await fixture.bound('jdoe', base);
    expect((await client.exop('1.3.6.1.4.1.4203.1.11.3')).value).toBe(`dn:${dnOf('jdoe', base)}`);
    expect((await fixture.client().exop('1.3.6.1.4.1.4203.1.11.3')).value ?? '').toBe('');
  });

  test('ldap 87: the directory is read-only', async () => {
    const client = await fixture.bound('jdoe', base);
    const dn = dnOf('jdoe', base);
    expect(await code(client.add(dn, { cn: 'jdoe' }))).toBe(50);
    expect(
      await code(
        client.modify(
          dn,
          new Change({ operation: 'replace', modification: new Attribute({ type: 'cn', values: ['x'] }) }),
        ),
      ),
    ).toBe(50);
    expect(await code(client.del(dn))).toBe(50);
    expect(await code(client.modifyDN(dn, 'cn=x'))).toBe(50);
    expect(await names(client, dn, '(objectClass=*)', { scope: 'base' })).toEqual([dn]);
  });

  test('ldap 88: an unknown extended operation is a protocol error', async () => {
    expect(await code((await fixture.bound('jdoe', base)).exop('1.2.3.4.5'))).toBe(2);
  });

  test('ldap 89: answers of two searches at a time belong to their own', async () => {
    const svc = await fixture.bound('svc', base);
    const [all, one] = await Promise.all([
      names(svc, base, '(objectClass=*)'),
      names(svc, dnOf('jdoe', base), '(cn=jdoe)', { scope: 'base' }),
    ]);
    expect(all.length).toBeGreaterThan(20);
    expect(one).toEqual([dnOf('jdoe', base)]);
  });
});

describe('a search that takes long', () => {
  const listing = searchRequest(`ou=users,${direct}`, '(objectClass=user)');
  const rows = /GET \/api\/v3\/core\/users\/\?/;
  const whoAmI = { op: 'extendedRequest', name: extendedOid.whoAmI, value: undefined } as const;
  const cancelOf = (value: Buffer) => ({ op: 'extendedRequest', name: extendedOid.cancel, value }) as const;

  /** A client whose search waits for a core that does not answer. */
  async function waiting(request = listing) {
    const client = await WireClient.plain(fixture.port);
    expect(await client.bind(dnOf('svc', direct), password)).toBe(0);
    const calls = fixture.gate.calls.length;
    const heal = fixture.gate.spoil(rows, { kind: 'hang' });
    onTestFinished(heal);
    const id = client.send(request);
    await until(() => fixture.gate.calls.slice(calls).some(({ method, path }) => rows.test(`${method} ${path}`)));
    return { client, id, heal };
  }

  test('RFC 4511 §4.11: is abandoned without an answer, and the connection goes on', async () => {
    const { client, id, heal } = await waiting();
    using own = client;
    own.send({ op: 'abandonRequest', target: id });
    expect(await own.code(whoAmI)).toBe(0);
    heal();
    expect(await own.code(listing)).toBe(0);
    expect(own.answers.filter(({ messageId }) => messageId === id)).toEqual([]);
  });

  test('RFC 3909: is cancelled, and both say so; what is not there cannot be', async () => {
    const { client, id } = await waiting();
    using own = client;
    expect(await own.code(cancelOf(encodeCancel(9_999)))).toBe(119);
    expect(await own.code(cancelOf(Buffer.from('x')))).toBe(2);
    expect(await own.code(cancelOf(encodeCancel(id)))).toBe(0);
    expect(codeOf(await own.all(id))).toBe(118);
    expect(await own.code(cancelOf(encodeCancel(id)))).toBe(119);
  });

  test('ldap 7.8: is over when the time is that the client gave it', async () => {
    const { client, id } = await waiting({ ...listing, timeLimit: 1 });
    using own = client;
    expect(codeOf(await own.all(id))).toBe(3);
    expect(await own.code(whoAmI)).toBe(0);
  });
});

describe('life', () => {
  test('ldap 90: a refresh that fails leaves the directory in service', async () => {
    const svc = await fixture.bound('svc');
    const before = await names(svc, cached, '(objectClass=*)');
    const rows = /GET \/api\/v3\/(?:core\/(?:users|groups)|outposts\/sync)\//;
    const heal = fixture.gate.spoil(rows, { kind: 'status', status: 500 });
    const calls = fixture.gate.calls.length;
    process.kill(fixture.daemon.pid ?? 0, 'SIGUSR1');
    await until(() => fixture.gate.calls.slice(calls).some(({ method, path }) => rows.test(`${method} ${path}`)));
    expect(await names(svc, cached, '(objectClass=*)')).toEqual(before);
    heal();
  });

  test('ldap 92: metrics under the contract names', async () => {
    await bindCode('cn=x,dc=nowhere', 'x');
    for (const username of ['alan', 'alan', 'svc']) await fixture.bound(username);
    await (await fixture.bound('alan')).unbind();
    await until(() => fixture.daemon.lines.some(({ event }) => event === 'Unbind request'));
    const { host, port } = fixture.daemon.bound('metrics');
    const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
    for (const name of [
      'authentik_outpost_ldap_request_duration_seconds',
      'authentik_outpost_flow_timing_get_seconds',
      'authentik_outpost_connection',
      'authentik_outpost_info',
      'authentik_outpost_last_update',
      'authentik_outpost_ldap_connections{component="ldap",tls="false",bound="true"}',
      'authentik_outpost_ldap_bytes_total{direction="out"}',
      'authentik_outpost_ldap_bind_cache_total{result="hit"}',
      'authentik_outpost_ldap_directory_users',
      'authentik_outpost_ldap_directory_age_seconds',
      'authentik_outpost_ldap_results_total',
    ])
      expect(text).toContain(name);
    expect(text).toMatch(
      /authentik_outpost_ldap_requests_rejected_total\{[^}]*type="bind",reason="no_provider"[^}]*\} [1-9]/,
    );
  });

  test('ldap 95: a refused bind has one line with the true reason, whatever the client was told', async () => {
    expect(await bindCode(dnOf('jane'), 'a wrong password')).toBe(49);
    const { lines } = fixture.daemon;
    const line = await until(() =>
      lines.findLast(({ reason, bindDN }) => reason === 'invalid_credentials' && bindDN === dnOf('jane')),
    );
    expect(line).toMatchObject({
      event: 'Bind request',
      bindDN: dnOf('jane'),
      app: expect.stringMatching(/./),
      result: 'invalidCredentials',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      conn: expect.any(String),
      tls: 'no',
      error: expect.stringMatching(/./),
    });
  });

  test('ldap 95: the log tells what happened, and no password', async () => {
    const { lines } = fixture.daemon;
    const search = lines.find((line) => line['event'] === 'Search request');
    expect(Object.keys(search ?? {})).toEqual(
      expect.arrayContaining(['bindDN', 'client', 'requestId', 'took-ms', 'baseDN', 'scope', 'filter', 'attributes']),
    );
    expect(JSON.stringify(lines)).not.toContain(password);
  });
});
