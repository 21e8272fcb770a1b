// What is there and who sees it (ldap.md §18, cases 43 to 70): root DSE, schema, users, groups, selection.
import { parseFilter } from '@gatehouse/wire/ldap';
import type { Client } from 'ldapts';
import { beforeAll, describe, expect, test } from 'vitest';
import { code, codeOf, find, list, names, rawSearch } from './asking.ts';
import { bases, cached, direct, dnOf, ldapFixture, password } from './fixture.ts';

const fixture = ldapFixture();

describe('root DSE and schema', () => {
  test('ldap 43: anybody may read the root DSE', async () => {
    const [root] = await find(fixture.client(), '', '(objectClass=*)', { scope: 'base' });
    expect(root).toMatchObject({ dn: '', subschemaSubentry: 'cn=subschema' });
    expect(list(root?.['namingContexts']).sort()).toEqual([direct, cached].sort());
  });

  test('ldap 44, 45: a bound client sees its own base; 1.1 asks for no attribute', async () => {
    const client = await fixture.bound('jdoe');
    const [root] = await find(client, '', '(objectClass=*)', { scope: 'base' });
    expect(root).toMatchObject({ namingContexts: cached, vendorName: 'goauthentik.io', supportedLDAPVersion: '3' });
    expect(list(root?.['supportedCapabilities'])).toHaveLength(9);
    const [bare] = await rawSearch(fixture.port, cached, parseFilter('(cn=jdoe)'), { attributes: ['1.1'] });
    expect(bare).toMatchObject({ op: 'searchResultEntry', attributes: [] });
  });

  test('ldap 46: the subschema defines every attribute that is sent', async () => {
    const client = await fixture.bound('svc');
    const [schema] = await find(client, 'cn=subschema', '(objectClass=subschema)', { scope: 'base' });
    const defined = new Set(
      list(schema?.['attributeTypes']).map((text) => /NAME '([^']+)'/.exec(text)?.[1]?.toLowerCase()),
    );
    expect(list(schema?.['objectClasses']).some((text) => text.includes("'goauthentik.io/ldap/user'"))).toBe(true);
    const sent = (await find(client, cached, '(objectClass=*)', { attributes: ['*', '+'] })).flatMap((entry) =>
      Object.keys(entry),
    );
    expect(
      [...new Set(sent)].filter((name) => !['dn', '*', '+'].includes(name) && !defined.has(name.toLowerCase())),
    ).toEqual([]);
  });

  test('ldap 47: the base has its configured case', async () => {
    const client = await fixture.bound('jdoe');
    expect(await names(client, cached, '(objectClass=*)', { scope: 'base' })).toEqual(['DC=ldap,DC=goauthentik,DC=io']);
  });
});

test.each([
  [dnOf('jdoe', direct), 'users', 'username=jdoe'],
  [`cn=devs,ou=groups,${direct}`, 'groups', 'name=devs'],
])('direct mode asks the core for %s alone, and lists nothing', async (dn, collection, query) => {
  const client = await fixture.bound('svc', direct);
  const before = fixture.gate.calls.length;
  expect(await names(client, dn, '(objectClass=*)', { scope: 'base' })).toEqual([dn]);
  const asked = fixture.gate.calls.slice(before).flatMap(({ path }) => (path.includes('/core/') ? [path] : []));
  expect(asked).toEqual([expect.stringMatching(new RegExp(`/core/${collection}/\\?(?:.*&)?${query}(?:&|$)`))]);
});

describe.each(bases)('entries below %s', (base) => {
  let svc: Client;
  beforeAll(async () => {
    svc = await fixture.bound('svc', base);
  });
  const entry = async (dn: string, attributes: string[] = []) =>
    (await find(svc, dn, '(objectClass=*)', { scope: 'base', attributes }))[0];

  test('ldap 48: one level below the base are exactly three containers', async () => {
    expect(await names(svc, base, '(objectClass=*)', { scope: 'one' })).toEqual(
      ['users', 'groups', 'virtual-groups'].map((ou) => `ou=${ou},${base}`),
    );
  });

  test('ldap 49: everybody is below ou=Users, however it is spelt', async () => {
    const found = await names(svc, `ou=Users,${base.replace('dc', 'DC')}`, '(objectClass=user)');
    expect(found).toContain(dnOf('jdoe', base));
    expect(found).toContain(dnOf('old', base));
    expect(found.every((dn) => dn.endsWith(`,ou=users,${base}`))).toBe(true);
  });

  test('ldap 50, 51, 53: a user', async () => {
    const number = String(2000 + (fixture.pks.get('jdoe') ?? 0));
    const user = await entry(dnOf('jdoe', base));
    expect(user).toMatchObject({
      objectClass: [
        'top',
        'person',
        'organizationalPerson',
        'inetOrgPerson',
        'user',
        'posixAccount',
        'goauthentik.io/ldap/user',
      ],
      cn: 'jdoe',
      sAMAccountName: 'jdoe',
      uidNumber: number,
      gidNumber: number,
      homeDirectory: '/home/jdoe',
      uid: expect.stringMatching(/^[0-9a-f]{64}$/),
      'ak-superuser': 'TRUE',
      'ak-active': 'TRUE',
      mail: 'jdoe@example.com',
      createTimestamp: expect.stringMatching(/^\d{14}Z$/),
    });
    expect(list(user?.['memberOf']).sort()).toEqual([`cn=admins,ou=groups,${base}`, `cn=devs,ou=groups,${base}`]);
    expect(list((await entry(dnOf('jane', base), ['memberOf']))?.['memberOf'])).toEqual([]);
  });

  test('ldap 52: a user without e-mail has one empty value', async () => {
    expect((await entry(dnOf('jane', base)))?.['mail']).toBe('');
  });

  test('ldap 54, 55: groups, their numbers, members and parents', async () => {
    const admins = await entry(`cn=admins,ou=groups,${base}`);
    const devs = await entry(`cn=devs,ou=groups,${base}`);
    expect(devs).toMatchObject({ gidNumber: '7001', memberOf: `cn=admins,ou=groups,${base}`, 'ak-superuser': 'false' });
    expect(admins?.['gidNumber']).toBe(String(4000 + (fixture.groups.get('admins')?.num_pk ?? 0)));
    expect(admins?.['member']).toEqual([dnOf('jdoe', base), `cn=devs,ou=groups,${base}`]);
  });

  test('ldap 9.6: uniqueMember and memberUid come when they are named, and `+` brings what `*` does not', async () => {
    const dn = `cn=admins,ou=groups,${base}`;
    expect(await entry(dn, ['uniqueMember', 'memberUid'])).toEqual({
      dn,
      uniqueMember: [dnOf('jdoe', base), `cn=devs,ou=groups,${base}`],
      memberUid: 'jdoe',
    });
    const [star, plus] = [await entry(dn, ['*']), await entry(dn, ['+'])];
    expect(Object.keys(star ?? {})).toEqual(expect.arrayContaining(['cn', 'member', 'memberOf']));
    expect(Object.keys(plus ?? {})).toEqual(
      expect.arrayContaining(['entryUUID', 'entryDN', 'hasSubordinates', 'subschemaSubentry', 'uniqueMember']),
    );
    expect(Object.keys(star ?? {}).filter((name) => name !== 'dn' && plus?.[name] !== undefined)).toEqual([]);
  });

  test('effective membership is told by name, and found, as Active Directory calls it', async () => {
    const [admins, devs] = ['admins', 'devs'].map((name) => `cn=${name},ou=groups,${base}`);
    const pat = dnOf("o'neil, pat", base);
    const [direct, effective] = ['memberOf', 'msDS-memberOfTransitive'];
    const user = await entry(pat, [direct, effective]);
    expect([list(user?.[direct]), list(user?.[effective]).sort()]).toEqual([[devs], [admins, devs]]);
    const group = await entry(`cn=admins,ou=groups,${base}`, ['msDS-memberTransitive']);
    expect(list(group?.['msDS-memberTransitive']).sort()).toEqual([devs, dnOf('jdoe', base), pat].sort());
    expect(await names(svc, `ou=users,${base}`, `(msDS-memberOfTransitive=${admins})`)).toEqual([
      dnOf('jdoe', base),
      pat,
    ]);
    expect(await svc.compare(pat, effective, admins ?? '')).toBe(true);
    for (const names of [['*'], ['+']]) expect(Object.keys((await entry(pat, names)) ?? {})).not.toContain(effective);
  });

  test('ldap 56: a virtual group', async () => {
    expect(await entry(`cn=jdoe,ou=virtual-groups,${base}`)).toMatchObject({
      gidNumber: String(2000 + (fixture.pks.get('jdoe') ?? 0)),
      member: dnOf('jdoe', base),
    });
  });

  test('ldap 57: posixGroup means real groups, group means both', async () => {
    const kinds = async (filter: string) =>
      new Set((await names(svc, base, filter)).map((dn) => /ou=([^,]+)/.exec(dn)?.[1]));
    expect(await kinds('(objectClass=posixGroup)')).toEqual(new Set(['groups']));
    expect(await kinds('(objectClass=group)')).toEqual(new Set(['groups', 'virtual-groups']));
  });

  test('ldap 58–61: custom attributes', async () => {
    const pat = await entry(dnOf("o'neil, pat", base));
    expect(pat).toMatchObject({
      'ab-c': 'true',
      list: ['1', 'x'],
      mapping: 'map[foo:bar]',
      homeDirectory: "/srv/o'neil, pat",
      percent: '100%',
      uidNumber: '5001',
      gidNumber: '5001',
      memberOf: `cn=devs,ou=groups,${base}`,
    });
    expect(await entry(`cn=o'neil\\, pat,ou=virtual-groups,${base}`)).toMatchObject({ gidNumber: '5001' });
  });

  test('ldap 62: who may not search sees himself only', async () => {
    const jane = await fixture.bound('jane', base);
    expect(await names(jane, base, '(objectClass=user)')).toEqual([dnOf('jane', base)]);
    expect(await names(jane, base, '(objectClass=group)')).toEqual([`cn=jane,ou=virtual-groups,${base}`]);
    const hidden = await code(jane.search(dnOf('jdoe', base), { scope: 'base', filter: '(objectClass=*)' }));
    const missing = await code(jane.search(dnOf('nobody', base), { scope: 'base', filter: '(objectClass=*)' }));
    expect([hidden, missing]).toEqual([32, 32]);
  });

  test('ldap 63: of his groups he sees himself as the only member', async () => {
    const radia = await fixture.bound('radia', base);
    const [operations] = await find(radia, base, '(cn=operations)');
    expect(list(operations?.['member'])).toEqual([dnOf('radia', base)]);
    expect(operations?.['memberOf']).toBe(`cn=engineering,ou=groups,${base}`);
  });

  test('ldap 64: a search without a bind is 50, and the connection goes on', async () => {
    const client = fixture.client();
    expect(await code(client.search(base, { filter: '(cn=jdoe)' }))).toBe(50);
    expect(await code(client.bind(dnOf('jdoe', base), password))).toBe(0);
  });

  test('ldap 65: another base is closed to this bind', async () => {
    const foreign = base === cached ? direct : cached;
    expect(await code(svc.search(foreign, { filter: '(objectClass=*)' }))).toBe(50);
    expect(await code(svc.search('dc=elsewhere', { filter: '(objectClass=*)' }))).toBe(32);
  });

  test('ldap 66: a missing user is noSuchObject below what exists', async () => {
    const work = svc.search(dnOf('nobody', base), { scope: 'base', filter: '(objectClass=*)' });
    await expect(work).rejects.toMatchObject({ code: 32 });
  });

  test('ldap 67, 68: selectors match without case, also several in one', async () => {
    const [user] = await find(svc, dnOf('jdoe', base), '(objectClass=*)', {
      scope: 'base',
      attributes: ['CN', 'memberof'],
    });
    expect(Object.keys(user ?? {}).sort()).toEqual(['cn', 'dn', 'memberOf']);
    const [both] = await find(svc, dnOf('jdoe', base), '(objectClass=*)', { scope: 'base', attributes: ['cn,mail'] });
    expect(both).toMatchObject({ cn: 'jdoe', mail: 'jdoe@example.com' });
  });

  test('ldap 69: typesOnly sends no values', async () => {
    const [user] = await find(svc, dnOf('jdoe', base), '(objectClass=*)', {
      scope: 'base',
      attributes: ['cn'],
      returnAttributeValues: false,
    });
    expect(user?.['cn']).toEqual([]);
  });

  test('ldap 70: more matches than wanted are sizeLimitExceeded, exactly as many are not', async () => {
    const filter = parseFilter('(|(cn=jdoe)(cn=jane))');
    const tooMany = await rawSearch(fixture.port, base, filter, { sizeLimit: 2 });
    expect([tooMany.length, codeOf(tooMany)]).toEqual([3, 4]);
    const enough = await rawSearch(fixture.port, base, filter, { sizeLimit: 4 });
    expect([enough.length, codeOf(enough)]).toEqual([5, 0]);
  });
});
