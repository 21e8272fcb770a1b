// The packed directory against plain rows: whatever is put, changed and removed, every search finds what a look at each row
// finds, and the octets that are put together are those of the attributes.
import { type DnKey, decodeResponse, parseFilter } from '@gatehouse/wire/ldap';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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
  userOf,
} from '../testing/random-directory.ts';
import { attribute } from './attribute-types.ts';
import { compileFilter } from './filter.ts';
import { allKinds, bitOf, user as user_ } from './kinds.ts';
import { selectAttributes } from './selection.ts';
import { StoredView } from './stored-view.ts';

const leaf = fc.constantFrom(
  '(objectClass=*)',
  '(objectClass=user)',
  '(objectClass=group)',
  '(cn=ANN1)',
  '(cn=a*)',
  '(cn=*o*)',
  '(cn=*ROUP*)',
  '(cn=g*oup*2)',
  '(cn=*nn1)',
  '(description=*o  w*)',
  '(description=two*ords)',
  '(description=*her*)',
  '(displayName=*the*)',
  '(employeeType=*NICO*)',
  '(sAMAccountName=bob2)',
  '(mail=*)',
  '(msDS-memberOfTransitive=cn=group 1,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
  '(msDS-memberOfTransitive=*)',
  '(msDS-memberTransitive=cn=gg4,ou=users,dc=ldap,dc=goauthentik,dc=io)',
  '(msDS-memberTransitive=cn=group 2,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
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
const filter = filtersOf(leaf);
/** A group in a group, and a user in both, who sees of members himself only. */
const nested: Step[] = [
  { kind: 'user', given: { pk: 3, name: 'ann', attributes: {}, email: '' } },
  { kind: 'group', given: { id: 1, attributes: {}, users: [3], parents: [2] } },
  { kind: 'group', given: { id: 2, attributes: {}, users: [3], parents: [] } },
];
const escapeFilter = (text: string) =>
  text.replace(/[\\*()\0]/g, (letter) => `\\${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);

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
            expect(Array.from(found, ({ dn }) => dn)).toEqual(looked.map(({ dn }) => dn));
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
          for (const type of entry.types) {
            const values = entry.values(type);
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
    ['*', '+', 'msDS-memberTransitive', 'msDS-memberOfTransitive'],
    ['*', 'memberOf', 'createTimestamp'],
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

  test('effective membership is what the in-chain rule finds', () =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.option(fc.integer({ min: 1, max: 9 })), (steps, selfPk) => {
        const { layout, directory } = build(steps);
        const view = new StoredView(layout, selfPk === null ? undefined : directory.rowOfUser(selfPk));
        const entries = Array.from(view.all(allKinds), (ref) => view.entry(ref));
        for (const [effective, direct] of [
          [attribute.memberOfTransitive, 'memberOf'],
          [attribute.memberTransitive, 'member'],
        ] as const)
          for (const { dn } of entries) {
            const inChain = compileFilter(
              parseFilter(`(${direct}:1.2.840.113556.1.4.1941:=${escapeFilter(dn)})`),
              view,
            );
            const equals = compileFilter(parseFilter(`(${effective.name}=${escapeFilter(dn)})`), view);
            for (const entry of entries) {
              const found = equals(entry) === true;
              const isItself = entry.dn === dn; // a group in a circle is not called its own member
              if (!isItself) expect([entry.dn, dn, found]).toEqual([entry.dn, dn, inChain(entry) === true]);
              if (selfPk === null) expect([dn, entry.values(effective).includes(dn)]).toEqual([dn, found]);
            }
          }
      }),
      { numRuns: Math.ceil(numRuns / 3), examples: [[nested, 3]] },
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
