// The policy file: what it may hold, what of it holds for whom, that a wrong one changes nothing; and that whoever looks through
// it cannot tell anything of what it hides.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import { type DnKey, parseFilter } from '@gatehouse/wire/ldap';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { policyView } from '../access/reader.ts';
import { attribute } from '../directory/attribute-types.ts';
import { compileFilter } from '../directory/filter.ts';
import { allKinds } from '../directory/kinds.ts';
import { selectAttributes } from '../directory/selection.ts';
import { subschemaEntry } from '../directory/subschema.ts';
import type { DirectoryView } from '../directory/view.ts';
import { CustomTypes } from '../mapping/custom-attributes.ts';
import { matching } from '../operations/matching.ts';
import {
  base,
  build,
  clock,
  filtersOf,
  numRuns,
  OneMessage,
  requestOf,
  type Step,
  step,
} from '../testing/random-directory.ts';
import { readPolicy } from './document.ts';
import { applicationPolicy, createPolicy, type PolicyView } from './policy.ts';

async function policyOf(text: string, types = new CustomTypes()) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.yaml');
  await writeFile(path, text);
  const policy = createPolicy(path, types, captureLogger());
  return { policy, path };
}

const example = `
attributes:
  - application: nas
    set: { uid: "\${username}", loginShell: [/bin/sh], gecos: "\${name} <\${mail}>" }
  - rename: { mail: eMail }
    set:
      uid: shadowed
      upn: "\${cn}@example.org"
      givenName: "\${name|first}"
      nick: "\${description|lower|default:none}"
views:
  - groups: [Group 1]
    application: nas
  - application: nas
    hide: [displayName, eMail, description]
    users_in: [group 2]
    active_only: true
  - application: wiki
    show: [uid, upn]
`;

describe('the policy file', () => {
  test('rules add up, the first that declares a name has it; the first view that is meant holds', async () => {
    const { policy } = await policyOf(example);
    await policy.refresh();
    const nas = policy.of('nas');
    expect(nas?.needsGroups).toBe(true);
    expect(nas?.viewOf(['group 1'])).toMatchObject({ entry: 1, limits: undefined });
    const other = nas?.viewOf(['Group 3']);
    expect(other).toMatchObject({ entry: 2, limits: { usersIn: ['group 2'], activeOnly: true } });
    expect(other?.declared.filter(({ name }) => name === 'uid')).toMatchObject([
      { text: `\${username}`, rule: 1, shadowedBy: undefined },
      { text: 'shadowed', rule: 2, shadowedBy: 1 },
    ]);
    expect(policy.of('mail')?.viewOf([])).toMatchObject({ entry: undefined, limits: undefined, hidden: undefined });
    expect(policy.names.groups).toEqual(['Group 1', 'group 2']);
  });

  test('without a file, or a word about an application, nothing is in the way', async () => {
    expect(createPolicy('', new CustomTypes(), captureLogger()).of('nas')).toBeUndefined();
    const { policy } = await policyOf('views: [{ application: other, hide: mail }]');
    await policy.refresh();
    expect(policy.of('nas')).toBeUndefined();
  });

  test('everything that is wrong is told with its place, and the earlier file stays in force', async () => {
    const { policy, path } = await policyOf(example);
    await policy.refresh();
    const wrong = `
attributes:
  - set: { cn: x, "no name": y, ok: "\${name|shout}", lone: "a$b", open: "\${name", cut: "\${name|before}" }
    rename: { objectClass: kind }
views:
  - hide: [objectClass, "?"]
    show: [mail]
`;
    await writeFile(path, wrong);
    const error: unknown = await policy.refresh().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_LDAP_POLICY' });
    for (const part of [
      'attributes[0].set: cn is part of every entry',
      'attributes[0].set: "no name" is no name of an attribute',
      'attributes[0].set.ok: "shout" is unknown',
      'attributes[0].set.lone: "a$b" has a lone $',
      `attributes[0].set.open: "\${name" has a \${ without its }`,
      'attributes[0].set.cut: "before": before and after need a text',
      'attributes[0].rename: objectClass is part of every entry',
      'views[0]: either hide or show, not both',
      'views[0].hide: objectClass is part of every entry and cannot be hidden',
      'views[0].hide: "?" is no name of an attribute',
    ])
      expect(String(error)).toContain(part);
    expect(policy.of('nas')?.viewOf([]).entry).toBe(2);
    await writeFile(path, 'views: [{ hidden: mail }]');
    await expect(policy.refresh()).rejects.toThrow(/views\[0\] Unrecognized key/);
    await writeFile(path, 'views: [');
    await expect(policy.refresh()).rejects.toMatchObject({ code: 'ERR_LDAP_POLICY' });
  });
});

const leaf = fc.constantFrom(
  '(objectClass=*)',
  '(objectClass=group)',
  '(cn=ANN1)',
  '(uid=bob2)',
  '(uid=b*)',
  '(uid=*)',
  '(upn=ANN1@example.org)',
  '(upn=ann*)',
  '(upn=*@example.org)',
  '(upn=äther3@EXAMPLE.org)',
  '(email=a@x)',
  '(mail=a@x)',
  '(mail=*)',
  '(loginShell=/bin/sh)',
  '(givenName=carl)',
  '(nick=none)',
  '(gecos=Bob <B@y>)',
  '(isMemberOf=cn=group 2,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(isMemberOf:1.2.840.113556.1.4.1941:=cn=group 1,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(memberOf=*)',
  '(msDS-memberOfTransitive=cn=group 1,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(msDS-memberTransitive=cn=gg4,ou=users,dc=ldap,dc=goauthentik,dc=io)',
  '(memberOf:1.2.840.113556.1.4.1941:=cn=group 1,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(member=CN=gg4, ou=users,dc=ldap,dc=goauthentik,dc=io)',
  '(member:1.2.840.113556.1.4.1941:=cn=gg4,ou=users,dc=ldap,dc=goauthentik,dc=io)',
  '(memberUid=gg4)',
  '(number>=2004)',
  '(number=2003)',
  '(uidNumber=2003)',
  '(uidNumber>=2002)',
  '(description=*)',
  '(description=two words)',
  '(displayName>=c)',
  '(:caseExactMatch:=one)',
  '(:2.5.13.2:=b@y)',
  '(createTimestamp>=20260102030405Z)',
);

const rules = `
attributes:
  - set: { uid: "\${cn}", loginShell: [/bin/sh], gecos: "\${name} <\${mail}>", upn: "\${cn}@example.org" }
    rename: { mail: eMail, memberOf: isMemberOf, uidNumber: number }
  - set: { givenName: "\${name|first}", nick: "\${description|lower|default:none}" }
    of: [users, groups, virtual-groups]
`;

const views = {
  all: rules,
  hiding: `${rules}\nviews: [{ hide: [description, displayName, isMemberOf, nick, eMail, gecos] }]`,
  showing: `${rules}\nviews: [{ show: [upn, number, member] }]`,
  rows: `${rules}\nviews: [{ users_in: [group 2], active_only: true, only_groups: [group 1, group 2, group 3] }]`,
};

type TestLayout = ReturnType<typeof build>['layout'];

function compiled(text: string, { context }: TestLayout): PolicyView {
  const found = applicationPolicy(readPolicy(text, 'test', context.types), 'a')?.viewOf([]);
  if (found === undefined) throw new Error('no policy');
  return found;
}

describe.each(Object.entries(views))('a view through a policy: %s', (_, text) => {
  test('an index finds what looking at every entry finds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.array(filtersOf(leaf), { maxLength: 5 }),
        fc.option(fc.integer({ min: 1, max: 9 })),
        async (steps, filters, selfPk) => {
          const { layout, directory } = build(steps);
          const self = selfPk === null ? undefined : directory.rowOfUser(selfPk);
          const view = policyView(layout, self, compiled(text, layout));
          for (const one of [...filters, ...filters]) {
            const parsed = parseFilter(one);
            const matches = compileFilter(parsed, view);
            const looked = Array.from(view.all(allKinds), (ref) => view.entry(ref)).filter((e) => matches(e) === true);
            const found = await matching(view, base as DnKey, requestOf(parsed), clock);
            expect(Array.from(found, ({ dn }) => dn)).toEqual(looked.map(({ dn }) => dn));
            await new Promise((turn) => setImmediate(turn));
          }
        },
      ),
      { numRuns: Math.ceil(numRuns / 2) },
    );
  });

  test('what an entry says it has is what a filter can find in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const { layout } = build(steps);
        const view = policyView(layout, undefined, compiled(text, layout));
        for (const entry of Array.from(view.all(allKinds), (ref) => view.entry(ref)))
          for (const type of entry.types) {
            expect(view.typesOf(type.name)).toContain(type);
            expect(entry.has(type)).toBe(entry.values(type).length > 0);
          }
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    );
  });
});

/** Everything that a client can be told: entries as octets, what each filter finds. */
async function toldBy(view: DirectoryView, filters: readonly string[]): Promise<unknown> {
  const told: unknown[] = [];
  for (const names of [
    [],
    ['*', '+'],
    [
      'mail',
      'eMail',
      'description',
      'nick',
      'displayName',
      'gecos',
      'memberOf',
      'msDS-memberOfTransitive',
      'msDS-memberTransitive',
    ],
  ]) {
    const selection = selectAttributes(names, false, view);
    for (const ref of Array.from(view.all(allKinds))) {
      const sink = new OneMessage();
      selection.write(view.entry(ref), 1, sink);
      told.push(sink.bytes.toString('latin1'));
    }
  }
  for (const filter of filters) {
    const found = await matching(view, base as DnKey, requestOf(parseFilter(filter)), clock);
    told.push(Array.from(found, ({ dn }) => dn));
  }
  return told;
}

async function toldOf(text: string, steps: readonly Step[], filters: readonly string[]): Promise<unknown> {
  const { layout } = build(steps);
  return toldBy(policyView(layout, undefined, compiled(text, layout)), filters);
}

describe('what is hidden', () => {
  /** The same users and groups with other hidden values. */
  const otherwise = (steps: readonly Step[]): Step[] =>
    steps.map((one) =>
      one.kind === 'user'
        ? {
            ...one,
            given: { ...one.given, email: 'other@z', attributes: { ...one.given.attributes, description: 'else' } },
          }
        : one,
    );

  test('cannot be told from any answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.array(filtersOf(leaf), { maxLength: 5 }),
        async (steps, filters) => {
          const hiding = `${rules}\nviews: [{ hide: [description, nick, eMail, gecos] }]`;
          expect(await toldOf(hiding, otherwise(steps), filters)).toEqual(await toldOf(hiding, steps, filters));
        },
      ),
      { numRuns },
    );
  });

  test('nor can users who are hidden', async () => {
    const rows = `${rules}\nviews: [{ active_only: true }]`;
    const isHidden = (pk: number) => pk % 2 === 1;
    const without = (steps: readonly Step[]): Step[] =>
      otherwise(steps).map((one, at) => {
        if (one.kind === 'group')
          return { ...one, given: { ...one.given, users: one.given.users.filter((pk) => !isHidden(pk)) } };
        const before = steps[at] ?? one;
        return one.kind === 'user' && !isHidden(one.given.pk) ? before : one;
      });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.array(filtersOf(leaf), { maxLength: 5 }),
        async (steps, filters) => {
          expect(await toldOf(rows, without(steps), filters)).toEqual(await toldOf(rows, steps, filters));
        },
      ),
      { numRuns },
    );
  });

  test('is no order, no comparison, no name in the subschema; what is renamed is defined there with its syntax', async () => {
    const user = { pk: 1, name: 'ann', attributes: { 'a/b.c': true, description: 'x' }, email: 'a@x' };
    const { layout } = build([{ kind: 'user', given: user }]);
    const policy = compiled(`${rules}\nviews: [{ hide: [a-bc, eMail] }]`, layout);
    const view = policyView(layout, undefined, policy);
    expect(view.typesOf('a-bc')).toEqual([]);
    expect(view.typesOf('EMAIL')).toEqual([]);
    const entry = view.find(`cn=ann1,ou=users,${base}` as DnKey);
    expect(entry?.types.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['isMemberOf', 'number', 'uid', 'upn', 'loginShell', 'givenName']),
    );
    for (const gone of ['mail', 'eMail', 'a-bc', 'memberOf', 'uidNumber'])
      expect(entry?.types.map(({ name }) => name)).not.toContain(gone);
    const schema = subschemaEntry(layout.context.types.all, policy.map).values(attribute.attributeTypes).join('\n');
    expect(schema).toMatch(/NAME 'isMemberOf' EQUALITY distinguishedNameMatch/);
    expect(schema).toMatch(/NAME 'number' EQUALITY integerMatch/);
    expect(schema).toMatch(/NAME 'upn' EQUALITY caseIgnoreMatch/);
    expect(schema).not.toMatch(/NAME '(?:a-bc|eMail)'/);
  });
});

test('templates: several values, values that are not there, words', async () => {
  const user = { pk: 3, name: 'carl o', attributes: { description: ['One', 'Two  words'] }, email: '' };
  const { layout } = build([{ kind: 'user', given: user }]);
  const text = `
attributes:
  - set:
      each: "<\${description}>"
      none: "x\${mail}"
      either: "\${mail|default:nobody}"
      words: "\${name|rest|upper}, \${name|first}"
      parts: "\${upn|before:@}"
      several: ["\${cn}", b, b]
      money: "$$5"
`;
  const view = policyView(layout, undefined, compiled(text, layout));
  const entry = view.find(`cn=carl o3,ou=users,${base}` as DnKey);
  const values = (name: string) => view.typesOf(name).flatMap((type) => entry?.values(type) ?? []);
  expect(values('each')).toEqual(['<One>', '<Two  words>']);
  expect(values('none')).toEqual([]);
  expect(values('either')).toEqual(['nobody']);
  expect(values('words')).toEqual(['O, carl']);
  expect(values('parts')).toEqual([]);
  expect(values('several')).toEqual(['carl o3', 'b']);
  expect(values('money')).toEqual(['$5']);
});
