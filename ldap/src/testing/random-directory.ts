// Directories of any make, by the steps that fill them, and filters about them: for tests of what is found in them.
import type { GroupRow, UserRow } from '@gatehouse/contract/rest';
import type { ByteSink } from '@gatehouse/wire/ber';
import type { Filter } from '@gatehouse/wire/ldap';
import fc from 'fast-check';
import { Directory } from '../directory/directory.ts';
import { Layout } from '../directory/layout.ts';
import { CustomTypes } from '../mapping/custom-attributes.ts';
import type { Deadline } from '../operations/deadline.ts';
import { type Provider, providerFromApi } from '../providers/provider.ts';

/** The long form: `FUZZ_RUNS=1000000 npx vitest run packages/wire/src/ldap ldap/src/directory`. */
export const numRuns = Number(process.env['FUZZ_RUNS'] ?? 150);
export const base = 'dc=ldap,dc=goauthentik,dc=io';
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

const name: fc.Arbitrary<string> = fc.constantFrom(
  'ann',
  'Bob',
  'carl o',
  "o'neil, pat",
  'Дора',
  'e+f',
  'gg',
  'äther',
  ' x ',
  '#h',
);
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
  email: fc.constantFrom<string[]>('', 'A@x', 'b@y'),
});
const group = fc.record({
  id: fc.integer({ min: 1, max: 5 }),
  attributes,
  users: fc.uniqueArray(fc.integer({ min: 1, max: 9 })),
  parents: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
});
export const step = fc.oneof(
  user.map((given) => ({ kind: 'user' as const, given })),
  group.map((given) => ({ kind: 'group' as const, given })),
  fc.integer({ min: 1, max: 9 }).map((pk) => ({ kind: 'remove user' as const, pk })),
  fc.integer({ min: 1, max: 5 }).map((id) => ({ kind: 'remove group' as const, id })),
);

export const userOf = ({
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

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export function build(steps: readonly Step[]): { readonly layout: Layout; readonly directory: Directory } {
  const types = new CustomTypes();
  const directory = new Directory(types);
  apply(directory, steps);
  const context = {
    provider: providerAt(base),
    types,
    facts: { version: '1', saslMechanisms: [], passwordModify: false },
  };
  return { directory, layout: new Layout(directory, context) };
}

export function apply(directory: Directory, steps: readonly Step[]): void {
  for (const one of steps) {
    if (one.kind === 'user') directory.putUser(userOf(one.given));
    else if (one.kind === 'group') directory.putGroup(groupOf(one.given));
    else if (one.kind === 'remove user') directory.removeUser(one.pk);
    else directory.removeGroup(groupId(one.id));
  }
}

/** Filters of these leaves, nested. */
export function filtersOf(leaf: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((inner) => `(&${inner.join('')})`),
      fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((inner) => `(|${inner.join('')})`),
      tie('node').map((inner) => `(!${inner})`),
    ),
  })).node;
}

export const clock: Deadline = {
  signal: () => new AbortController().signal,
  isOver: () => false,
  nowMs: () => performance.now(),
  turn: async () => undefined,
};
export const requestOf = (parsed: Filter) => ({
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

export class OneMessage implements ByteSink {
  bytes = Buffer.alloc(0);
  room(size: number): number {
    this.bytes = Buffer.alloc(size);
    return 0;
  }
}
