// Binds (ldap.md §18, cases 1 to 31 and 94) against the built outpost and a core on a real PostgreSQL.
import { encodeRequest } from '@gatehouse/wire/ldap';
import { describe, expect, test } from 'vitest';
import { until } from '../../harness/index.ts';
import { code, exchange, hex, names } from './asking.ts';
import { bases, cached, direct, dnOf, ldapFixture, password } from './fixture.ts';
import { namesOf, searchRequest, WireClient } from './wire-client.ts';

const fixture = ldapFixture();

const bindCode = (dn: string, secret: string) => code(fixture.client().bind(dn, secret));

describe('bind', () => {
  test('ldap 1: the right password is success, without texts', async () => {
    const bind = encodeRequest({
      messageId: 1,
      op: {
        op: 'bindRequest',
        version: 3,
        name: dnOf('jdoe'),
        authentication: { kind: 'simple', password: Buffer.from(password) },
      },
      controls: [],
    });
    const { data } = await exchange(fixture.port, bind);
    expect(data.toString('hex')).toBe('300c02010161070a010004000400');
  });

  test.each(bases)('ldap 2, 3, 10: other spellings of the DN bind the same user (%s)', async (base) => {
    expect(await bindCode(dnOf('jdoe', base).toUpperCase(), password)).toBe(0);
    expect(await bindCode(`cn=jdoe,${base}`, password)).toBe(0);
    expect(await bindCode(`cn=jdoe,ou=groups,${base}`, password)).toBe(0);
    expect(await bindCode(dnOf('jdoe', base).replaceAll(',', ', '), password)).toBe(0);
  });

  test('ldap 4, 5: a DN without cn, or below no base, is 50 and leaves the connection open', async () => {
    const client = fixture.client();
    expect(await code(client.bind(`uid=jdoe,ou=users,${cached}`, password))).toBe(50);
    expect(await code(client.bind('cn=jdoe,dc=elsewhere', password))).toBe(50);
    expect(await code(client.bind(dnOf('jdoe'), password))).toBe(0);
  });

  test.each(bases)('ldap 6: a wrong password and an unknown user are 49 (%s)', async (base) => {
    expect(await bindCode(dnOf('jdoe', base), 'wrong')).toBe(49);
    expect(await bindCode(dnOf('nobody', base), password)).toBe(49);
    expect(await bindCode(dnOf('old', base), password)).toBe(49);
  });

  test('ldap 7: an anonymous bind is success', async () => {
    expect(await bindCode('', '')).toBe(0);
  });

  test('ldap 8: a DN with an empty password is 53, and the core is not asked', async () => {
    const before = fixture.gate.calls.length;
    const { data } = await exchange(
      fixture.port,
      encodeRequest({
        messageId: 1,
        op: {
          op: 'bindRequest',
          version: 3,
          name: dnOf('jdoe'),
          authentication: { kind: 'simple', password: Buffer.alloc(0) },
        },
        controls: [],
      }),
    );
    expect(data.subarray(7, 10).toString('hex')).toBe('0a0135');
    expect(fixture.gate.calls.slice(before).filter(({ path }) => path.includes('/flows/'))).toEqual([]);
  });

  test('ldap 9: LDAP version 2 is a protocol error', async () => {
    const { data } = await exchange(fixture.port, hex('30 0c 02 01 01 60 07 02 01 02 04 00 80 00'));
    expect(data.subarray(7, 10).toString('hex')).toBe('0a0102');
  });

  test.each(bases)('ldap 11: a comma in the name is escaped, in and out (%s)', async (base) => {
    const dn = dnOf("o'neil, pat", base);
    const client = await fixture.bound("o'neil, pat", base);
    expect(await names(client, dn, '(objectClass=user)', { scope: 'base' })).toEqual([dn]);
    expect(await bindCode(`cn=o'neil, pat,ou=users,${base}`, password)).toBe(0);
  });

  test('ldap 18: two stages and the login take seven calls of the core', async () => {
    const before = fixture.gate.calls.length;
    await fixture.bound('jane', direct);
    const made = fixture.gate.calls.slice(before).map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`);
    expect(made).toEqual([
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'POST /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'POST /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/core/users/me/',
      expect.stringMatching(/^GET \/api\/v3\/outposts\/ldap\/\d+\/check_access\/$/),
    ]);
  });

  test('ldap 20, flow-executor 20: an application that does not let the user in is 50', async () => {
    const application = await fixture.core.call<{ pk: string }>('GET', '/core/applications/direct/');
    const group = await fixture.core.call<{ pk: string }>('POST', '/core/groups/', { name: 'nobody at all' });
    const binding = await fixture.core.call<{ pk: string }>('POST', '/policies/bindings/', {
      target: application.pk,
      group: group.pk,
      order: 0,
    });
    expect(await bindCode(dnOf('jdoe', direct), password)).toBe(50);
    await fixture.core.call('DELETE', `/policies/bindings/${binding.pk}/`);
    expect(await bindCode(dnOf('jdoe', direct), password)).toBe(0);
  });

  test.each([404, 403, 500, 502])(
    'ldap 21, flow-executor 20: an access check that answers %i is 52',
    async (status) => {
      const heal = fixture.gate.spoil(/check_access/, { kind: 'status', status });
      expect(await bindCode(dnOf('jane', direct), password)).toBe(52);
      heal();
    },
  );

  test('ldap 22, 23, flow-executor 21: trouble of the core is 52 for whoever is not remembered, and never 0', async () => {
    for (const fault of [{ kind: 'status', status: 500 }, { kind: 'status', status: 404 }, { kind: 'cut' }] as const) {
      const heal = fixture.gate.spoil(/./, fault);
      expect(await bindCode(dnOf('grace'), password)).toBe(52);
      heal();
    }
    expect(await bindCode(dnOf('grace'), 'wrong')).toBe(49);
  });

  test('ldap 24: an equal bind in cached mode does not ask again; another password does', async () => {
    await fixture.bound('alan');
    const before = fixture.gate.calls.length;
    await fixture.bound('alan');
    expect(fixture.gate.calls.length).toBe(before);
    expect(await bindCode(dnOf('alan'), 'wrong')).toBe(49);
    expect(fixture.gate.calls.length).toBeGreaterThan(before);
  });

  test('ldap 25: a password that becomes right is accepted at once', async () => {
    const fresh = 'another long password';
    expect(await bindCode(dnOf('hedy'), fresh)).toBe(49);
    const [user] = (await fixture.core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=hedy'))
      .results;
    await fixture.core.call('POST', `/core/users/${user?.pk}/set_password/`, { password: fresh });
    expect(await bindCode(dnOf('hedy'), fresh)).toBe(0);
  });

  test('ldap 27: a deactivated user is refused within a second, remembered or not', async () => {
    await fixture.bound('tim');
    const [user] = (await fixture.core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=tim')).results;
    await fixture.core.call('PATCH', `/core/users/${user?.pk}/`, { is_active: false });
    await until(async () => (await bindCode(dnOf('tim'), password)) === 49, 1_000);
  });

  test('ldap 28: fifty equal binds at a time run one flow', async () => {
    const before = fixture.gate.calls.length;
    const codes = await Promise.all(Array.from({ length: 50 }, () => bindCode(dnOf('radia'), password)));
    expect(new Set(codes)).toEqual(new Set([0]));
    const logins = fixture.gate.calls.slice(before).filter(({ path }) => path.includes('check_access'));
    expect(logins).toHaveLength(1);
  });

  test('ldap 29: a failed bind leaves the connection anonymous', async () => {
    const client = await fixture.bound('svc');
    expect(await code(client.bind(dnOf('svc'), 'wrong'))).toBe(49);
    expect(await code(client.search(cached, { filter: '(cn=jdoe)' }))).toBe(50);
  });

  test.each(bases)('each connection is somebody of its own, whatever becomes of another (%s)', async (base) => {
    using one = await WireClient.plain(fixture.port);
    using other = await WireClient.plain(fixture.port);
    const people = searchRequest(`ou=users,${base}`, '(objectClass=user)');
    const seenBy = async (client: WireClient) => namesOf(await client.request(people)).length;
    expect([await one.bind(dnOf('svc', base), password), await other.bind(dnOf('jane', base), password)]).toEqual([
      0, 0,
    ]);
    const all = await seenBy(one);
    expect([all > 10, await seenBy(other)]).toEqual([true, 1]);
    expect(await other.bind(dnOf('svc', base), 'wrong')).toBe(49);
    expect([await other.code(people), await seenBy(one)]).toEqual([50, all]);
    expect(await other.bind(dnOf('svc', base), password)).toBe(0);
    expect(await one.bind(dnOf('jane', base), password)).toBe(0);
    expect([await seenBy(one), await seenBy(other)]).toEqual([1, all]);
  });

  test('ldap 12.4: unbind runs the invalidation flow where the session was for this connection alone', async () => {
    const { kysely } = fixture.core.deps.database;
    const sessions = async () =>
      (
        await kysely
          .selectFrom('sessions')
          .select('id')
          .where('user_id', '=', fixture.pks.get('jane') ?? 0)
          .execute()
      ).length;
    const logouts = () => fixture.gate.calls.filter(({ path }) => path.includes('/default-invalidation-flow/')).length;
    const visit = async (base: string) => {
      using client = await WireClient.plain(fixture.port);
      expect(await client.bind(dnOf('jane', base), password)).toBe(0);
      const during = await sessions();
      client.send({ op: 'unbindRequest' });
      await client.closed;
      return during;
    };
    await visit(cached);
    await visit(cached);
    const before = logouts();
    const during = await visit(direct);
    await until(async () => (await sessions()) === during - 1);
    expect(logouts()).toBe(before + 1);
    // The one that remembered binds stand on is still there.
    expect(await sessions()).toBeGreaterThan(0);
  });

  test('ldap 30: the core hears the address of the client', async () => {
    const before = fixture.gate.calls.length;
    await bindCode(dnOf('jane', direct), 'wrong');
    const heard = fixture.gate.calls.slice(before).map(({ headers }) => headers['x-authentik-remote-ip']);
    expect(new Set(heard)).toEqual(new Set(['127.0.0.1']));
  });

  test('ldap 31: unknown SASL mechanisms are 7', async () => {
    const { data } = await exchange(
      fixture.port,
      encodeRequest({
        messageId: 1,
        op: {
          op: 'bindRequest',
          version: 3,
          name: '',
          authentication: { kind: 'sasl', mechanism: 'X-NOTHING', credentials: undefined },
        },
        controls: [],
      }),
    );
    expect(data.subarray(data.indexOf(0x0a), data.indexOf(0x0a) + 3).toString('hex')).toBe('0a0107');
  });

  test('ldap 94: binds with random names leave nothing behind', async () => {
    const codes = await Promise.all(Array.from({ length: 200 }, (_, at) => bindCode(`cn=x,dc=random-${at}`, 'x')));
    expect(new Set(codes)).toEqual(new Set([50]));
  });
});
