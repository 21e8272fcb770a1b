// The packed directory against plain rows: whatever is put, changed and removed, every search finds what a look at each row
// finds, and the octets that are put together are those of the attributes.
import type { GroupRow, UserRow } from '@gatehouse/contract/rest';
import type { ByteSink } from '@gatehouse/wire/ber';
import { type DnKey, decodeResponse, type Filter, parseFilter } from '@gatehouse/wire/ldap';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CustomTypes } from '../mapping/custom-attributes.ts';
import { matching } from '../operations/matching.ts';
import { type Provider, providerFromApi } from '../providers/provider.ts';
import { Directory } from './directory.ts';
import { compileFilter } from './filter.ts';
import { allKinds, bitOf, user as user_ } from './kinds.ts';
import { Layout } from './layout.ts';
import { selectAttributes } from './selection.ts';
import { StoredView } from './stored-view.ts';

/** The long form: `FUZZ_RUNS=1000000 npx vitest run packages/wire/src/ldap ldap/src/directory`. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 150);
const base = 'dc=ldap,dc=goauthentik,dc=io';
const time = '2026-01-02T03:04:05.678Z';
const groupId = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;

function providerAt(dn: string): Provider {
  const row = { pk: 1, name: 'p', base_dn: dn, bind_flow_slug: 'b', unbind_flow_slug: null, application_slug: 'a' };
  const found = providerFromApi({
    ...row,
    uid_start_number: 2000,
    gid_start_number: 4000,
    search_mode: 'cached',
    bind_mode: 'cached',
    mfa_support: true,
  });
  if (found === undefined) throw new Error('no provider');
  return found;
}

const name = fc.constantFrom('ann', 'Bob', 'carl o', "o'neil, pat", 'Дора', 'e+f', 'gg', 'äther', ' x ', '#h');
const attributes = fc.constantFrom<Record<string, unknown>>(
  {},
  { description: ['one', 'Two  words'] },
  { uidNumber: 5001 },
  { gidNumber: '7001', description: '%s here' },
  { displayName: ['Other', 'Second'], 'a/b.c': true, description: [] },
  { memberOf: 'x', employeeType: 'Ünicode' },
);
const user = fc.record({
  pk: fc.integer({ min: 1, max: 9 }),
  name,
  attributes,
  email: fc.constantFrom('', 'A@x', 'b@y'),
});
const group = fc.record({
  id: fc.integer({ min: 1, max: 5 }),
  attributes,
  users: fc.uniqueArray(fc.integer({ min: 1, max: 9 })),
  parents: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
});
const step = fc.oneof(
  user.map((given) => ({ kind: 'user' as const, given })),
  group.map((given) => ({ kind: 'group' as const, given })),
  fc.integer({ min: 1, max: 9 }).map((pk) => ({ kind: 'remove user' as const, pk })),
  fc.integer({ min: 1, max: 5 }).map((id) => ({ kind: 'remove group' as const, id })),
);

const userOf = ({
  pk,
  name: given,
  attributes: own,
  email,
}: typeof user extends fc.Arbitrary<infer T> ? T : never): UserRow => ({
  pk,
  username: `${given}${pk}`,
  name: given,
  is_active: pk % 2 === 0,
  is_superuser: false,
  groups: [],
  groups_obj: [],
  email,
  attributes: own,
  uid: `${pk}`.repeat(64),
  uuid: `11111111-1111-4111-8111-11111111111${pk}`,
  type: 'internal',
  date_joined: time,
  last_updated: time,
  password_change_date: time,
});
const groupOf = (given: typeof group extends fc.Arbitrary<infer T> ? T : never): GroupRow => ({
  pk: groupId(given.id),
  num_pk: 10_000 + given.id,
  name: `Group ${given.id}`,
  is_superuser: given.id === 1,
  parents: given.parents.filter((id) => id !== given.id).map(groupId),
  users: given.users,
  users_obj: [],
  children: null,
  children_obj: [],
  parents_obj: [],
  attributes: given.attributes,
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function build(steps: readonly Step[]): { readonly layout: Layout; readonly directory: Directory } {
  const types = new CustomTypes();
  const directory = new Directory(types);
  for (const one of steps) {
    if (one.kind === 'user') directory.putUser(userOf(one.given));
    else if (one.kind === 'group') directory.putGroup(groupOf(one.given));
    else if (one.kind === 'remove user') directory.removeUser(one.pk);
    else directory.removeGroup(groupId(one.id));
  }
  const context = {
    provider: providerAt(base),
    types,
    facts: { version: '1', saslMechanisms: [], passwordModify: false },
  };
  return { directory, layout: new Layout(directory, context) };
}

const leaf = fc.constantFrom(
  '(objectClass=*)',
  '(objectClass=user)',
  '(objectClass=group)',
  '(cn=ANN1)',
  '(cn=a*)',
  '(cn=*o*)',
  '(sAMAccountName=bob2)',
  '(mail=*)',
  '(mail=a@x)',
  '(mail=b*)',
  '(displayName>=c)',
  '(displayName=other)',
  '(description=two words)',
  '(description=*)',
  '(uidNumber=2003)',
  '(uidNumber>=2004)',
  '(uidNumber=5001)',
  '(gidNumber=7001)',
  '(gidNumber=14002)',
  '(gidNumber<=2002)',
  '(memberOf=*)',
  '(memberOf=cn=group 2,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(member=CN=gg4, ou=users,dc=ldap,dc=goauthentik,dc=io)',
  '(member=cn=Group 3,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(uniqueMember=*)',
  '(memberUid=gg4)',
  '(memberOf:1.2.840.113556.1.4.1941:=cn=group 1,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(ak-active=true)',
  '(entryUUID=11111111-1111-4111-8111-111111111113)',
  '(nothing=x)',
  '(employeeType=ünicode)',
  '(createTimestamp=20260102030405Z)',
);
const filter: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((inner) => `(&${inner.join('')})`),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((inner) => `(|${inner.join('')})`),
    tie('node').map((inner) => `(!${inner})`),
  ),
})).node;

const clock = { signal: () => new AbortController().signal, isOver: () => false, turn: async () => undefined };
const requestOf = (parsed: Filter) => ({
  op: 'searchRequest' as const,
  baseObject: base,
  scope: 'wholeSubtree' as const,
  derefAliases: 0,
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter: parsed,
  attributes: [],
});

class OneMessage implements ByteSink {
  bytes = Buffer.alloc(0);
  room(size: number): number {
    this.bytes = Buffer.alloc(size);
    return 0;
  }
}

describe('the packed directory', () => {
  test('an index finds what looking at every entry finds, before and after it is made', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.array(filter, { maxLength: 5 }),
        fc.option(fc.integer({ min: 1, max: 9 })),
        async (steps, filters, selfPk) => {
          const { layout, directory } = build(steps);
          const view = new StoredView(layout, selfPk === null ? undefined : directory.rowOfUser(selfPk));
          for (const text of [...filters, ...filters]) {
            const parsed = parseFilter(text);
            const matches = compileFilter(parsed, view);
            const looked = Array.from(view.all(allKinds), (ref) => view.entry(ref)).filter(
              (one) => matches(one) === true,
            );
            const found = await matching(view, base as DnKey, requestOf(parsed), clock);
            expect(found.map(({ dn }) => dn)).toEqual(looked.map(({ dn }) => dn));
            await new Promise((turn) => setImmediate(turn));
          }
        },
      ),
      { numRuns },
    );
  });

  test('an entry is found by its name, and has the attributes of its row', () =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { layout } = build(steps);
        const view = new StoredView(layout);
        for (const ref of Array.from(view.all(allKinds))) {
          const entry = view.entry(ref);
          expect(view.find(entry.key)?.dn).toBe(entry.dn);
          for (const { type, values } of entry.attributes) {
            expect(entry.values(type)).toEqual(values);
            expect(entry.has(type)).toBe(values.length > 0);
          }
        }
      }),
      { numRuns },
    ));

  const selectors = fc.constantFrom(
    [],
    ['*'],
    ['+'],
    ['*', '+'],
    ['cn', 'memberOf', 'uid'],
    ['gidNumber', 'uidNumber', 'description', 'member'],
    ['1.1'],
    ['memberUid', 'entryUUID', 'entryDN', 'objectClass'],
    ['*', 'uniqueMember'],
  );
  test('the octets that are sent are those of the attributes', () =>
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        selectors,
        fc.boolean(),
        fc.nat(2 ** 31 - 1),
        (steps, names, typesOnly, id) => {
          const { layout } = build(steps);
          const view = new StoredView(layout);
          const selection = selectAttributes(names, typesOnly, view);
          for (const ref of Array.from(view.all(allKinds))) {
            const entry = view.entry(ref);
            const sink = new OneMessage();
            selection.write(entry, id, sink);
            const { messageId, op } = decodeResponse(sink.bytes, {
              maxBytes: 2 ** 30,
              maxDepth: 64,
              maxFilterNodes: 9,
            });
            if (op.op !== 'searchResultEntry') throw new Error(op.op);
            expect([messageId, op.objectName]).toEqual([id, entry.dn]);
            const sent = new Map(op.attributes.map(({ type, values }) => [type, values.map(String)]));
            expect(sent).toEqual(new Map(selection.pick(entry).map(({ type, values }) => [type, values])));
            expect(op.attributes.length).toBe(sent.size);
          }
        },
      ),
      { numRuns },
    ));

  test('an index that holds too much of the past is made anew, and nobody is missed meanwhile', async () => {
    const { layout, directory } = build([{ kind: 'user', given: { pk: 1, name: 'ann', attributes: {}, email: '' } }]);
    const view = new StoredView(layout);
    for (let round = 0; round < 3_000; round += 1) {
      const row = { ...userOf({ pk: 1, name: 'ann', attributes: {}, email: '' }), username: `ann${round}` };
      directory.putUser(row);
      expect(view.userRow(`cn=${row.username},ou=users,${base}` as DnKey)).toBe(0);
      if (round % 500 === 0) await new Promise((turn) => setImmediate(turn));
    }
  });

  test('an entry that the core has let go of is not sent any more', () => {
    const { layout, directory } = build([{ kind: 'user', given: { pk: 1, name: 'ann', attributes: {}, email: '' } }]);
    const view = new StoredView(layout);
    const entry = view.entry(Array.from(view.all(bitOf(user_)))[0] ?? 0);
    directory.removeUser(1);
    for (const typesOnly of [false, true]) {
      const sink = new OneMessage();
      selectAttributes([], typesOnly, view).write(entry, 1, sink);
      expect(sink.bytes.length).toBe(0);
    }
  });
});
