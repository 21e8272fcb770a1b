// Filters (ldap.md §18, cases 71 to 82), in both search modes.
import type { Client } from 'ldapts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, names, rawSearch } from './asking.ts';
import { bases, dnOf, type LdapFixture, startLdapFixture } from './fixture.ts';

let fixture: LdapFixture;
beforeAll(async () => {
  fixture = await startLdapFixture();
}, 120_000);
afterAll(() => fixture[Symbol.asyncDispose]());

describe.each(bases)('filters below %s', (base) => {
  let svc: Client;
  beforeAll(async () => {
    svc = await fixture.bound('svc', base);
  });
  const users = async (filter: string) =>
    (await names(svc, `ou=users,${base}`, filter)).map((dn) => /cn=((?:\\.|[^,])+)/.exec(dn)?.[1]);

  test.each([
    ['ldap 71', '(cn=JDOE)', ['jdoe']],
    ['ldap 72', '(displayName=J*n*e)', ['jane', 'jdoe']],
    ['ldap 72', '(displayName=J*x*e)', []],
    ['ldap 73', '(cn=a\\29b)', []],
    ['ldap 73', '(cn=\\2a)', []],
    ['ldap 73', '(cn=)', []],
    ['ldap 77', '(cn~=J D O E)', ['jdoe']],
    ['ldap 77', '(&(modifyTimestamp>=20000101000000Z)(cn=jdoe))', ['jdoe']],
    ['ldap 77', '(&(uidNumber<=1)(cn=*))', []],
    ['ldap 82', '(objectClass=sambaSamAccount)', []],
    ['RFC 4511', '(cn:caseExactMatch:=JDOE)', []],
    ['RFC 4511', '(cn:2.5.13.2:=JDOE)', ['jdoe']],
    ['RFC 4511', '(&(cn=jdoe)(ou:dn:=users))', ['jdoe']],
  ])('%s: %s', async (_case, filter, expected) => {
    expect((await users(filter)).sort()).toEqual(expected);
  });

  test('ldap 74: users and groups together', async () => {
    const found = await names(svc, base, '(|(objectClass=user)(objectClass=group))');
    expect(found).toContain(dnOf('jdoe', base));
    expect(found).toContain(`cn=devs,ou=groups,${base}`);
  });

  test('ldap 75: not a group', async () => {
    const found = await names(svc, base, '(!(objectClass=group))');
    expect(found).toContain(`ou=users,${base}`);
    expect(found).toContain(dnOf('jdoe', base));
    expect(found).not.toContain(`cn=devs,ou=groups,${base}`);
  });

  test('ldap 76: members of a group that does not exist are nobody', async () => {
    expect(await users(`(memberOf=cn=nope,ou=groups,${base})`)).toEqual([]);
  });

  test('ldap 78: in-chain membership', async () => {
    const filter = `(memberOf:1.2.840.113556.1.4.1941:=cn=admins,ou=groups,${base})`;
    expect((await users(filter)).sort()).toEqual(['jdoe', "o'neil\\, pat"]);
  });

  test('ldap 79: (&) is everything, (|) nothing', async () => {
    const everything = await rawSearch(fixture.port, base, { kind: 'and', filters: [] });
    const nothing = await rawSearch(fixture.port, base, { kind: 'or', filters: [] });
    expect(everything.length).toBeGreaterThan(20);
    expect([nothing.length, codeOf(nothing)]).toEqual([1, 0]);
  });

  test('ldap 80: a group by its child', async () => {
    expect(await names(svc, base, `(member=cn=devs,ou=groups,${base})`)).toEqual([`cn=admins,ou=groups,${base}`]);
  });

  test('ldap 81: DN-valued assertions may be spelt otherwise', async () => {
    expect(await names(svc, `ou=groups,${base}`, `(member=CN=jdoe, OU=users,${base})`)).toEqual([
      `cn=admins,ou=groups,${base}`,
      `cn=devs,ou=groups,${base}`,
    ]);
  });
});
