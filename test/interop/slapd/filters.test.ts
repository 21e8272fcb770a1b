// Our answers to generated filters beside slapd's, over the same entries. Where they differ on purpose, the difference is
// listed below, with a filter that shows it; there is no other.

import fc from 'fast-check';
import { Client } from 'ldapts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cached as base, type LdapFixture, startLdapFixture } from '../../conformance/ldap/fixture.ts';
import { skipWithout, until } from '../../harness/index.ts';
import { type CopiedEntry, type SlapdCopy, startSlapdCopy } from './server.ts';

const copied =
  'cn sn displayName mail description employeeType sAMAccountName uidNumber gidNumber memberOf member'.split(' ');
const people = [
  ['ann', 'Ann Lee', 'one'],
  ['Bob', 'Bob  Double Space', 'Two words'],
  ['carl-o', 'Çarl Ö', 'über'],
  ["o'neil", "Pat O'Neil (ops)", 'a*b'],
  ['dora', 'Дора', 'back\\slash'],
  ['eve', 'EVE', 'one'],
  ['gus', 'gus', 'x'],
  ['hal', 'Hal 9000', '9000'],
  ['ida', 'Ida Ann', 'ann'],
  ['jo+e', 'Jo, Comma', 'last'],
] as const;

let fixture: LdapFixture;
let slapd: SlapdCopy;
let ours: Client;
let theirs: Client;
const missing = skipWithout('slapd');

beforeAll(async () => {
  if (missing) return;
  fixture = await startLdapFixture();
  const pks: number[] = [];
  for (const [at, [username, name, description]] of people.entries()) {
    const attributes = at % 3 === 0 ? {} : { description: [description, 'shared'], employeeType: `Type ${at % 4}` };
    const row = { username, name, email: `${at}.${name.length}@Example.org`, attributes };
    pks.push((await fixture.core.call<{ pk: number }>('POST', '/core/users/', row)).pk);
  }
  for (let at = 0; at < 4; at += 1)
    await fixture.core.call('POST', '/core/groups/', {
      name: `Team ${at}`,
      users: pks.filter((_, place) => place % (at + 2) === 0),
      attributes: at % 2 === 0 ? { description: `team ${at}` } : {},
    });
  ours = await fixture.bound('svc');
  await until(async () => (await dns(ours, `(cn=Team 3)`)).length === 1);
  const found = await ours.search(base, {
    scope: 'sub',
    filter: '(|(objectClass=user)(&(objectClass=group)(!(objectClass=goauthentik.io/ldap/virtual-group))))',
    attributes: copied,
  });
  slapd = await startSlapdCopy(base, found.searchEntries.map(copyOf));
  theirs = new Client({ url: slapd.url });
  await theirs.bind(slapd.name, slapd.password);
}, 120_000);

afterAll(async () => {
  await theirs?.unbind();
  await slapd?.[Symbol.asyncDispose]();
  await fixture?.[Symbol.asyncDispose]();
});

/** Values that are empty here are left out there: its syntax has no empty strings. */
function copyOf({ dn, ...attributes }: { dn: string; [type: string]: unknown }): CopiedEntry {
  const kept = Object.entries(attributes).flatMap(([type, given]) => {
    const values = (Array.isArray(given) ? given : [given]).map(String).filter((value) => value !== '');
    return copied.includes(type) && values.length > 0 ? [[type, values] as const] : [];
  });
  return { dn, attributes: Object.fromEntries(kept) };
}

/** Names of what matches, but for containers and virtual groups, which only we have. */
async function dns(client: Client, filter: string): Promise<string[]> {
  const { searchEntries } = await client.search(base, { scope: 'sub', filter, attributes: ['1.1'] });
  const names = searchEntries.map(({ dn }) => dn.replace(/\\2c/gi, '\\,').replace(/\\2b/gi, '\\+').toLowerCase());
  return names.filter((dn) => /^cn=.*,ou=(?:users|groups),/s.test(dn)).sort();
}

const escaped = (text: string) =>
  text.replace(/[\\*()\0]/g, (letter) => `\\${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);
const word = fc.constantFrom(
  'ann',
  'ANN',
  'o',
  'Bob  Double Space',
  'bob double space',
  'über',
  'ÖE',
  'Дора',
  'дора',
  'a*b',
  '9000',
  'one',
  'Two words',
  'two',
  'shared',
  'Type 1',
  'type',
  "O'Neil (ops)",
  'back\\slash',
  'zzz',
  'x',
  'comma',
  'Team 1',
  'svc',
);
const text = fc.constantFrom('cn', 'sn', 'displayName', 'description', 'employeeType', 'sAMAccountName', 'CN');
const everywhere = fc.constantFrom('cn', 'sAMAccountName');
const number = fc.constantFrom('uidNumber', 'gidNumber');
const dn = fc
  .constantFrom(
    'cn=team 1,ou=groups,BASE',
    'CN=Team 2, OU=groups, BASE',
    'cn=ann,ou=users,BASE',
    'cn=jo\\+e,ou=users,BASE',
    'cn=admins,ou=groups,BASE',
    'cn=nobody,ou=users,BASE',
  )
  .map((one) => one.replace('BASE', base));
const equality = (attribute: fc.Arbitrary<string>) =>
  fc.tuple(attribute, word).map(([type, value]) => `(${type}=${escaped(value)})`);
const substring = (attribute: fc.Arbitrary<string>) =>
  fc
    .tuple(attribute, fc.array(word, { minLength: 1, maxLength: 3 }), fc.boolean(), fc.boolean())
    .map(
      ([type, parts, open, close]) =>
        `(${type}=${open ? '*' : ''}${parts.map(escaped).join('*')}${close || !open ? '*' : ''})`,
    );
const leaf = fc.oneof(
  equality(text),
  substring(text),
  fc.oneof(text, number, fc.constantFrom('memberOf', 'member')).map((type) => `(${type}=*)`),
  fc
    .tuple(number, fc.constantFrom('=', '>=', '<='), fc.integer({ min: 2000, max: 2030 }))
    .map(([type, rule, value]) => `(${type}${rule}${value})`),
  fc.tuple(fc.constantFrom('memberOf', 'member'), dn).map(([type, value]) => `(${type}=${escaped(value)})`),
  fc.tuple(everywhere, word).map(([type, value]) => `(${type}:caseExactMatch:=${escaped(value)})`),
  fc.tuple(everywhere, word).map(([type, value]) => `(${type}:2.5.13.2:=${escaped(value)})`),
);
const { filter } = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie('filter').map((inner) => `(!${inner})`),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((inner) => `(&${inner.join('')})`),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((inner) => `(|${inner.join('')})`),
  ),
}));

describe.skipIf(missing)('filters beside slapd', () => {
  test('500 generated filters find the same entries', async () => {
    const differences: unknown[] = [];
    for (const one of fc.sample(filter, { numRuns: 500, seed: 20261126 })) {
      const [mine, reference] = [await dns(ours, one), await dns(theirs, one)];
      if (JSON.stringify(mine) !== JSON.stringify(reference)) differences.push({ filter: one, mine, reference });
    }
    expect(differences).toEqual([]);
  }, 120_000);

  /** On purpose; each with a filter that shows it, and which of the two finds more. */
  const intended: readonly (readonly [string, string, 'more' | 'fewer'])[] = [
    ['an empty value is a value (ldap.md §9.5: mail is there, empty, without an address)', '(mail=*)', 'more'],
    ['a type that nobody has is one that is absent', '(!(nothing=x))', 'more'],
    ['numbers may be searched by their digits', '(uidNumber=20*)', 'more'],
    ['every text has an order', '(displayName>=m)', 'more'],
    ['about equal means without case, spaces and accents; there it means of the same sound', '(cn~=anne)', 'fewer'],
  ];
  test.each(intended)('differs on purpose: %s', async (_, filter, expected) => {
    const [mine, reference] = [await dns(ours, filter), await dns(theirs, filter)];
    const [larger, smaller] = expected === 'more' ? [mine, reference] : [reference, mine];
    expect(larger.length).toBeGreaterThan(smaller.length);
    expect(larger).toEqual(expect.arrayContaining(smaller));
  });
});
