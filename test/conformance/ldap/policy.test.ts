// The policy file against a real core, in both modes, asked by OpenLDAP's tools and, for list views, octet by octet: names and values that are declared, what is hidden
// from whom, that a file is read again, and what direct mode asks of the core.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import {
  controlOid,
  decodeListViewResult,
  encodeListViewRequest,
  encodeSortRequest,
  type ListTarget,
} from '@gatehouse/wire/ldap';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandFile, type RunningDaemon, runTool, skipWithout, startDaemon, until } from '../../harness/index.ts';
import { bases, cached, direct, dnOf, ldapFixture, password, startOutpost } from './fixture.ts';
import { codeOf, controlValue, namesOf, searchRequest, WireClient } from './wire-client.ts';

const file = `
attributes:
  - rename: { memberOf: isMemberOf, mail: eMail }
    set:
      uid: "\${username}"
      givenName: "\${name|first}"
      userPrincipalName: "\${cn}@example.org"
      loginShell: "\${loginShell|default:/bin/bash}"
views:
  - groups: [ADMINS, nowhere]
  - hide: [displayName, eMail]
    users_in: [admins]
    only_groups: [devs]
`;

const fixture = ldapFixture();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let daemon: RunningDaemon;
let path: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'policy.yaml');
  await writeFile(path, file);
  daemon = await startOutpost(fixture, { AUTHENTIK_LDAP__POLICY_FILE: path });
  await until(async () => (await search(cached, '(uid=jdoe)')).entries.length > 0);
}, 120_000);
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Found {
  readonly code: number | null;
  readonly entries: readonly string[];
  readonly text: string;
}

async function tool(program: string, words: readonly string[], who = 'svc', base: string = cached) {
  const url = `ldap://127.0.0.1:${daemon.bound('ldap').port}`;
  return runTool(program, ['-x', '-H', url, '-D', dnOf(who, base), '-w', password, ...words]);
}

/** By `svc`, who is in no group and may search, unless somebody else is named. */
async function search(base: string, filter: string, words: readonly string[] = [], who = 'svc'): Promise<Found> {
  const below = ['-LLL', '-o', 'ldif-wrap=no', '-b', base, ...words.filter((word) => word.startsWith('-'))];
  const names = words.filter((word) => !word.startsWith('-'));
  const { code, stdout, stderr } = await tool('ldapsearch', [...below, filter, ...names], who, base);
  const entries = [...stdout.matchAll(/^dn: (.*)$/gm)].map(([, dn = '']) => dn);
  return { code, entries, text: stdout + stderr };
}

describe.skipIf(skipWithout('ldapsearch'))('the policy file', () => {
  test.each(bases)('declared names and values are found, returned, and defined below %s', async (base) => {
    const { entries, text } = await search(base, '(&(objectClass=user)(uid=JDOE)(userPrincipalName=jdoe@*))');
    expect(entries).toEqual([dnOf('jdoe', base)]);
    for (const line of ['uid: jdoe', 'givenName: John', 'userPrincipalName: jdoe@example.org', 'loginShell: /bin/bash'])
      expect(text).toContain(`\n${line}\n`);
    expect(text).toContain(`\nisMemberOf: cn=devs,ou=groups,${base}\n`);
    expect(text).not.toMatch(/^(?:memberOf|mail|eMail|displayName|isMemberOf: cn=admins)/m);
    const member = `cn=devs,ou=groups,${base}`;
    expect((await search(base, `(isMemberOf=${member})`)).entries).toEqual([
      dnOf('jdoe', base),
      dnOf("o'neil, pat", base),
    ]);
    const schema = await search(base, '(objectClass=subschema)', ['attributeTypes']);
    expect(schema.text).toMatch(/NAME 'isMemberOf' EQUALITY distinguishedNameMatch/);
  });

  test.each(bases)('what is hidden is not there, however it is asked for below %s', async (base) => {
    for (const filter of [
      '(mail=*)',
      '(eMail=jdoe@example.com)',
      '(displayName=John*)',
      '(displayName>=A)',
      '(memberOf=*)',
    ])
      expect([filter, (await search(base, filter)).entries]).toEqual([filter, []]);
    expect((await search(base, '(:caseIgnoreMatch:=jdoe@example.com)')).entries).toEqual([]);
    expect((await search(base, '(cn=jdoe)', ['displayName', 'eMail', 'mail'])).text).not.toMatch(/john|jdoe@/i);
    const sorted = await search(base, '(objectClass=user)', ['-E!sss=displayName']);
    expect([sorted.code, sorted.entries]).toEqual([12, []]);
    const compared = await tool('ldapcompare', [dnOf('jdoe', base), 'displayName:John Doe'], 'svc', base);
    expect(compared.code).toBe(16);
    const values = await search(base, '(cn=jdoe)', ['-E!mv=((displayName=*))', 'cn', 'displayName']);
    expect(values.text).not.toContain('John Doe');
  });

  test.each(bases)('users and groups that are not shown are found nowhere below %s', async (base) => {
    // Everybody below admins, also through devs; jane, svc and old are not.
    const users = await search(`ou=users,${base}`, '(objectClass=user)');
    expect(users.entries).toEqual([dnOf('jdoe', base), dnOf("o'neil, pat", base)]);
    expect((await search(base, '(!(objectClass=user))')).text).not.toMatch(/jane|svc|admins/);
    expect((await search(dnOf('jane', base), '(objectClass=*)', ['-sbase'])).code).toBe(32);
    expect((await search(base, '(objectClass=posixGroup)')).entries).toEqual([`cn=devs,ou=groups,${base}`]);
    expect((await search(base, `(isMemberOf=cn=admins,ou=groups,${base})`)).entries).toEqual([]);
  });

  test.each(bases)('list views count what is shown, in no order by what is hidden, below %s', async (base) => {
    const people = searchRequest(`ou=users,${base}`, '(objectClass=user)', { attributes: ['uid'] });
    type Listed = readonly [positionOrCode: number, count: number, names: readonly string[]];
    const listed = async (attribute: string, reverse: boolean, target: ListTarget, who = 'svc'): Promise<Listed> => {
      using client = await WireClient.plain(daemon.bound('ldap').port);
      expect(await client.bind(dnOf(who, base), password)).toBe(0);
      const order = encodeSortRequest([{ attribute, rule: undefined, reverse }], true);
      const view = encodeListViewRequest({ before: 0, after: 9, target, contextId: undefined }, true);
      const answers = await client.request(people, [order, view]);
      if (codeOf(answers) !== 0) return [codeOf(answers), 0, namesOf(answers)];
      const { position, contentCount } = decodeListViewResult(controlValue(answers, controlOid.vlvResponse));
      return [position, contentCount, namesOf(answers)];
    };
    const at = (offset: number): ListTarget => ({ kind: 'offset', offset, contentCount: 0 });
    const from = (text: string): ListTarget => ({ kind: 'value', value: Buffer.from(text) });
    expect(await listed('uid', false, at(1))).toEqual([1, 2, ['jdoe', "o'neil\\, pat"]]);
    expect(await listed('uid', true, at(2))).toEqual([2, 2, ['jdoe']]);
    expect(await listed('uid', false, from('K'))).toEqual([2, 2, ["o'neil\\, pat"]]);
    expect(await listed('displayName', false, at(1))).toEqual([12, 0, []]);
    expect(await listed('eMail', false, from('j'))).toEqual([12, 0, []]);
    // Of the other view of the file, where the name is shown and so are all users.
    const [, count, [first] = []] = await listed('displayName', false, from('john'), 'jdoe');
    expect([Number(count) > 10, first]).toEqual([true, 'jdoe']);
  });

  test.each(bases)('another view for members of a group, by the file, below %s', async (base) => {
    const { entries, text } = await search(base, '(eMail=jdoe@example.com)', [], 'jdoe');
    expect(entries).toEqual([dnOf('jdoe', base)]);
    expect(text).toContain('displayName: John Doe');
  });

  test('direct mode asks the core for what the declared name means', async () => {
    const before = fixture.gate.calls.length;
    await search(`ou=users,${direct}`, '(&(objectClass=user)(uid=jdoe))');
    await search(`ou=users,${direct}`, '(userPrincipalName=jdoe@example.org)');
    const asked = fixture.gate.calls.slice(before).filter(({ path: called }) => called.includes('/core/users/?'));
    expect(asked.length).toBe(2);
    for (const { path: called } of asked) expect(called).toContain('username=jdoe');
  });

  test('explain says what comes of it, and by which rule', async () => {
    const env = {
      AUTHENTIK_HOST: fixture.gate.url,
      AUTHENTIK_TOKEN: await fixture.core.outpostToken('ldap'),
      AUTHENTIK_LDAP__POLICY_FILE: path,
    };
    const explain = async (...words: string[]) => {
      const { stdout, stderr } = await runTool(process.execPath, [commandFile, 'ldap', 'explain', ...words], '', env);
      return stdout + stderr;
    };
    const nobody = await explain('(uid=jdoe)', `base=ou=users,${cached}`);
    expect(nobody).toContain('policy      entry 2 of views');
    expect(nobody).toContain('policy      hides displayname, email');
    expect(nobody).toContain('policy      only users in admins, the groups devs');
    expect(nobody).toMatch(/policy {6}users: uid = \$\{username\} {2}\(rule 1\)/);
    expect(nobody).toMatch(/\(uid=jdoe\) +\d+ by index/);
    expect(nobody).toContain('users?username=jdoe');
    expect(await explain('(uid=jdoe)', 'as=jdoe')).toContain('policy      entry 1 of views');
    expect(await explain('(uid=jdoe)', 'as=nobody')).toContain('There is no user nobody');
    const doctor = await runTool(process.execPath, [commandFile, 'ldap', 'doctor'], '', env);
    expect(doctor.stdout).toContain('fail policy file: there is no group nowhere');
    expect(doctor.stdout).not.toContain('no group ADMINS');
  });

  test('a file is read again; a wrong one is told and changes nothing, and stops a start', async () => {
    await writeFile(path, 'views: [{ hide: [objectClass] }]');
    process.kill(daemon.pid ?? 0, 'SIGUSR1');
    await until(() =>
      daemon.lines.some(({ event, error }) => event === 'policy not usable' && /objectClass/.test(String(error))),
    );
    expect((await search(cached, '(mail=*)')).entries).toEqual([]);
    await expect(
      startDaemon('ldap', {
        env: { AUTHENTIK_HOST: fixture.gate.url, AUTHENTIK_TOKEN: 'x', AUTHENTIK_LDAP__POLICY_FILE: path },
      }),
    ).rejects.toThrow();
    await writeFile(path, '');
    process.kill(daemon.pid ?? 0, 'SIGUSR1');
    await until(async () => (await search(cached, '(mail=jdoe@example.com)')).entries.length > 0);
  });
});

test.each(bases)('one line of the file makes `memberOf` effective, to be found by as well, below %s', async (base) => {
  await using place = await temporaryFolder();
  const own = join(place.path, 'policy.yaml');
  await writeFile(own, `attributes: [{ set: { memberOf: "\${msDS-memberOfTransitive}" } }]`); // as docs/policy.md has it
  await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__POLICY_FILE: own });
  using client = await WireClient.plain(outpost.bound('ldap').port);
  expect(await client.bind(dnOf('svc', base), password)).toBe(0);
  const ask = (filter: string, attributes: readonly string[] = []) =>
    client.request(searchRequest(`ou=users,${base}`, filter, { attributes }));
  // Devs are in admins; admins are not named in the user's own row.
  const [devs, admins] = ['devs', 'admins'].map((name) => `cn=${name},ou=groups,${base}`);
  await until(async () => namesOf(await ask(`(memberOf=${devs})`)).length === 2);
  const [entry] = await ask("(cn=o'neil*)", ['memberOf']);
  const values =
    entry?.op.op === 'searchResultEntry' ? entry.op.attributes.flatMap((one) => one.values.map(String)) : [];
  expect(values.toSorted()).toEqual([admins, devs]);
  expect(namesOf(await ask(`(memberOf=${admins})`))).toEqual(['jdoe', "o'neil\\, pat"]);
});
