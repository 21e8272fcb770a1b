// Who may use which applications, asked of many at once: the list says of each what asking for that one says, and costs the
// database as many statements for a hundred as for a few.
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

let core: TestCore;
let users: readonly number[];
let groups: readonly string[];
let policies: readonly string[];

beforeAll(async () => {
  core = await startTestCore();
  const make = async <Key>(path: string, body: object) => (await core.call<{ pk: Key }>('POST', path, body)).pk;
  const inTurn = async <Key>(names: readonly string[], one: (name: string, at: number) => Promise<Key>) => {
    const made: Key[] = [];
    for (const [at, name] of names.entries()) made.push(await one(name, at));
    return made;
  };
  users = await inTurn(['one', 'two', 'three'], (name) => make<number>('/core/users/', { username: name, name }));
  groups = await inTurn(['a', 'b', 'c', 'd'], (name) => make<string>('/core/groups/', { name }));
  const inGroup = (name: string) => `return ak_is_group_member(request.user, name=${JSON.stringify(name)})`;
  policies = [
    await make<string>('/policies/dummy/', { name: 'yes', result: true, wait_min: 0, wait_max: 0 }),
    await make<string>('/policies/dummy/', { name: 'no', result: false, wait_min: 0, wait_max: 0 }),
    await make<string>('/policies/expression/', { name: 'in b', expression: inGroup('b') }),
    await make<string>('/policies/expression/', { name: 'broken', expression: 'return 1 / 0' }),
    await make<string>('/policies/expression/', { name: 'named', expression: 'return "o" in request.user.username' }),
  ];
}, 90_000);
afterAll(() => core[Symbol.asyncDispose]());

/** By SQL: what is tested is asking, for many situations. */
const run = <Row>(
  text: string,
  ...values: readonly (string | number | boolean | null | readonly (string | number)[])[]
) => core.deps.database.rows<Row>({ name: text.slice(0, 60), text }, values);

async function makeApplications(prefix: string, count: number): Promise<string[]> {
  const made: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const slug = `${prefix}-${n}`;
    const text = 'insert into applications (name, slug) values ($1, $1) returning pbm_uuid';
    const rows = await run<{ pbm_uuid: string }>(text, slug);
    made.push(...rows.map(({ pbm_uuid }) => pbm_uuid));
  }
  return made;
}

interface Binding {
  readonly subject: readonly ['user' | 'group' | 'policy', number];
  readonly negate: boolean;
  readonly enabled: boolean;
  readonly failure: boolean;
}

async function bind(target: string, bindings: readonly Binding[]): Promise<void> {
  for (const [order, { subject, negate, enabled, failure }] of bindings.entries()) {
    const [kind, at] = subject;
    const key = (name: string, known: readonly (string | number)[]) =>
      kind === name ? (known[at % known.length] ?? null) : null;
    const subjects = [key('user', users), key('group', groups), key('policy', policies)];
    await run(
      `insert into policy_bindings (target, "user", "group", policy, negate, enabled, failure_result, "order", timeout)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 30)`,
      target,
      ...subjects,
      negate,
      enabled,
      failure,
      order,
    );
  }
}

const binding: fc.Arbitrary<Binding> = fc.record({
  subject: fc.tuple(fc.constantFrom('user', 'group', 'policy'), fc.nat({ max: 11 })),
  negate: fc.boolean(),
  enabled: fc.boolean(),
  failure: fc.boolean(),
});
const situation = fc.record({
  applications: fc.array(
    fc.record({ mode: fc.constantFrom('any', 'all'), bindings: fc.array(binding, { maxLength: 4 }) }),
    { minLength: 6, maxLength: 6 },
  ),
  memberships: fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 3 })), { maxLength: 5 }),
  /** Children come behind their parents, so that there is no cycle. */
  nesting: fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 })), { maxLength: 4 }),
});

test('core §23.2: the list of applications holds those that each user may use, one by one', async () => {
  const targets = await makeApplications('property', 6);
  const slugs = targets.map((_target, at) => `property-${at}`);
  let passed = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(situation, async ({ applications, memberships, nesting }) => {
      await run('delete from memberships where user_id = any($1)', users);
      await run('delete from group_parents');
      for (const [user, group] of memberships)
        await run(
          'insert into memberships values ($1, $2) on conflict do nothing',
          users[user] ?? 0,
          groups[group] ?? '',
        );
      for (const [parent, below] of nesting) {
        const child = groups[Math.min(3, parent + 1 + below)] ?? '';
        await run('insert into group_parents values ($1, $2) on conflict do nothing', child, groups[parent] ?? '');
      }
      await run('delete from policy_bindings where target = any($1::uuid[])', targets);
      for (const [at, { mode, bindings }] of applications.entries()) {
        const target = targets[at] ?? '';
        await run('update applications set policy_engine_mode = $1 where pbm_uuid = $2', mode, target);
        await bind(target, bindings);
      }
      core.deps.epochs.changed();
      for (const user of users) {
        const { results } = await core.call<{ results: { slug: string }[] }>(
          'GET',
          `/core/applications/?for_user=${user}&page_size=100`,
        );
        const listed = results.map(({ slug }) => slug).filter((slug) => slugs.includes(slug));
        const alone: string[] = [];
        for (const slug of slugs) {
          const path = `/core/applications/${slug}/check_access/?for_user=${user}`;
          if ((await core.call<{ passing: boolean }>('GET', path)).passing) alone.push(slug);
        }
        expect(listed).toEqual(alone);
        passed += alone.length;
        refused += slugs.length - alone.length;
      }
    }),
    { seed: 232, numRuns: 12 },
  );
  expect(Math.min(passed, refused)).toBeGreaterThan(20);
}, 120_000);

/** The least of several times, since tasks run beside; nothing is remembered, as after any change. */
async function leastStatements(ask: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let times = 0; times < 5; times += 1) {
    core.deps.epochs.changed();
    core.statements.length = 0;
    await ask();
    least = Math.min(least, core.statements.length);
  }
  return least;
}

test('core §23.2: a hundred applications cost no more statements than a few', async () => {
  await run('delete from policy_bindings');
  const list = () => core.call('GET', `/core/applications/?for_user=${users[0]}&page_size=100`);
  const some = async (prefix: string, count: number) => {
    for (const [at, target] of (await makeApplications(prefix, count)).entries())
      await bind(target, [
        { subject: ['group', at], negate: false, enabled: true, failure: false },
        { subject: ['group', at + 1], negate: true, enabled: true, failure: false },
        { subject: ['policy', 2], negate: at % 2 === 0, enabled: true, failure: false },
      ]);
  };
  await some('few', 3);
  const few = await leastStatements(list);
  await some('many', 97);
  expect(await leastStatements(list)).toBe(few);
}, 60_000);

test('core §23.2: access of an outpost’s user costs one statement for all groups of its application', async () => {
  const { results } = await core.call<{ results: { pk: number; application_slug: string }[] }>(
    'GET',
    '/outposts/ldap/',
  );
  const [{ pk, application_slug: slug } = { pk: 0, application_slug: '' }] = results;
  const rows = await run<{ pbm_uuid: string }>('select pbm_uuid from applications where slug = $1', slug);
  const ask = () => core.call('GET', `/outposts/ldap/${pk}/check_access/?app_slug=${slug}`);
  const bindTo = (at: number) =>
    bind(rows[0]?.pbm_uuid ?? '', [{ subject: ['group', at], negate: false, enabled: true, failure: false }]);
  await bindTo(0);
  const one = await leastStatements(ask);
  for (const at of [1, 2, 3]) await bindTo(at);
  expect(await leastStatements(ask)).toBe(one);
});
