// Filters (ldap.md §18, cases 71 to 82), in both search modes.
import type { Client } from 'ldapts';
import { beforeAll, describe, expect, test } from 'vitest';
import { codeOf, names, rawSearch } from './asking.ts';
import { bases, dnOf, ldapFixture } from './fixture.ts';

const fixture = ldapFixture();

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
    // The number of o'neil is 5001, which is 4096 and some more; all others have small ones.
    ['ldap 16.4', '(uidNumber:1.2.840.113556.1.4.803:=4097)', ["o'neil\\, pat"]],
    ['ldap 16.4', '(uidNumber:1.2.840.113556.1.4.803:=12288)', []],
    ['ldap 16.4', '(uidNumber:1.2.840.113556.1.4.804:=12288)', ["o'neil\\, pat"]],
    ['ldap 16.4', '(&(cn=jdoe)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))', ['jdoe']],
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

  test('every scope: the base, what is right below it, all below it, and all with it', async () => {
    const container = `ou=users,${base}`;
    const found = (scope: 'base' | 'one' | 'sub' | 'children', below = container) =>
      names(svc, below, '(|(cn=jdoe)(ou=users))', { scope });
    const jdoe = dnOf('jdoe', base);
    expect(await found('base')).toEqual([container]);
    expect(await found('one')).toEqual([jdoe]);
    expect(await found('one', base)).toEqual([container]);
    expect(await found('sub')).toEqual([container, jdoe]);
    expect(await found('children')).toEqual([jdoe]);
    expect(await found('children', base)).toEqual([container, jdoe, `cn=jdoe,ou=virtual-groups,${base}`]);
  });

  test('ldap 9.6: groups are found by each of the three forms of membership', async () => {
    const dns = ['admins', 'devs'].map((name) => `cn=${name},ou=groups,${base}`);
    for (const filter of [`(member=${dnOf('jdoe', base)})`, `(uniqueMember=${dnOf('jdoe', base)})`, '(memberUid=jdoe)'])
      expect([filter, await names(svc, `ou=groups,${base}`, filter)]).toEqual([filter, dns]);
  });

  test('ldap 81: DN-valued assertions may be spelt otherwise', async () => {
    expect(await names(svc, `ou=groups,${base}`, `(member=CN=jdoe, OU=users,${base})`)).toEqual([
      `cn=admins,ou=groups,${base}`,
      `cn=devs,ou=groups,${base}`,
    ]);
  });
});
