// Twins of shipped expressions (core.md §16.2 point 1): each shipped text has one, and it does what the interpreter does.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBlueprint } from '../../blueprints/read.ts';
import type { FlowRequest } from '../../flows/request.ts';
import type { UserRecord } from '../../identity/users.ts';
import { makeUser, startTestCore, type TestCore } from '../../testing/index.ts';
import { type ExpressionCall, evaluateExpression, interpretExpression } from '../evaluate.ts';
import { contextView } from '../host/context.ts';
import { UserObject, type UserSource } from '../host/identity.ts';
import { RecordObject } from '../host/record.ts';
import { policyRequestObject } from '../host/request.ts';
import { toPlain } from '../run/convert.ts';
import { str } from '../run/text.ts';
import { Native, typeName, type Value } from '../run/values.ts';
import { digestOf } from '../source/digest.ts';
import { readText } from '../source/kept.ts';
import { twinOf, twins } from './table.ts';
import { longestList, seenBy } from './twin.ts';

const folder = fileURLToPath(new URL('../../../blueprints', import.meta.url));

/** Every expression of every blueprint that ships, by the name of its object. */
const shipped = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml'))
  .flatMap((path) => readBlueprint(readFileSync(join(folder, path), 'utf8'), path).entries)
  .flatMap(({ identifiers, attrs }) => {
    const name = String(identifiers?.['name'] ?? identifiers?.['managed']);
    const texts = [
      attrs?.['expression'],
      attrs?.['initial_value_expression'] === true ? attrs['initial_value'] : undefined,
      attrs?.['placeholder_expression'] === true ? attrs['placeholder'] : undefined,
    ];
    return texts.filter((text) => typeof text === 'string').map((text) => ({ name, text }));
  });

const textOf = (name: string) => shipped.find((one) => one.name === name)?.text ?? '';
const scope = (name: string) => textOf(`goauthentik.io/providers/oauth2/scope-${name}`);

/** As blueprints of authentik write them where ours differ in more than comments and quotes. */
const foreign = [
  { name: 'profile by the older name of groups', text: scope('profile').replace('.groups.', '.ak_groups.') },
  { name: 'entitlements by another name', text: scope('entitlements').replace(/\bnames\b/g, 'entitlements') },
];
const known = [...shipped, ...foreign];

function digest(text: string): string {
  const tree = readText(text);
  if (tree instanceof Error) throw tree;
  return digestOf(tree);
}

describe('the table', () => {
  test('core §16.2: every expression that ships has a twin', () => {
    expect(shipped.length).toBeGreaterThanOrEqual(19);
    expect(
      known.filter(({ text }) => twinOf(text) === undefined).map(({ name, text }) => [name, digest(text)]),
    ).toEqual([]);
  });

  test('core §16.2: no twin is of a text that no longer ships', () => {
    const used = new Set(known.map(({ text }) => digest(text)));
    expect(Object.keys(twins).filter((one) => !used.has(one))).toEqual([]);
  });

  test('core §16.2: blanks, comments and quotes have no say; indentation and every word have', () => {
    const text = textOf('default-oobe-password-usable');
    expect(twinOf(`\r\n# edited\r\n${text.replaceAll('\n', '  # why\r\n').replaceAll('"', "'")}`)).toBe(twinOf(text));
    expect(twinOf(text.replace(/^/gm, '    '))).toBe(twinOf(text));
    expect(twinOf(text.replace('    return False\nif', 'return False\nif'))).toBeUndefined();
    expect(twinOf(text.replace('    return False', '    return True'))).toBeUndefined();
    expect(twinOf('return (')).toBeUndefined();
  });
});

let core: TestCore;
let people: readonly UserRecord[];
let application: { pk: string; slug: string; name: string };

/** Somebody in groups below groups, whose attributes contradict each other, with entitlements; and two without any. */
beforeAll(async () => {
  core = await startTestCore();
  const group = (name: string, more: object = {}) =>
    core.call<{ pk: string }>('POST', '/core/groups/', { name, ...more });
  const change = 'goauthentik.io/user/can-change-';
  const above = await group('above', {
    attributes: { settings: { locale: 'de' }, [`${change}name`]: false },
    is_superuser: true,
  });
  const below = await group('below', {
    parents: [above.pk],
    attributes: { [`${change}email`]: null, deep: [{ a: 0.5 }] },
  });
  await makeUser(core, { username: 'member', groups: [below.pk], email: 'member@x.test' });
  await makeUser(core, { username: 'leader', groups: [above.pk], attributes: { [`${change}username`]: 'yes' } });
  await makeUser(core, { username: 'nobodys' });
  const app = await core.call<{ pk: string; slug: string; name: string }>('POST', '/core/applications/', {
    name: 'Twins',
    slug: 'twins',
  });
  application = { pk: app.pk, slug: app.slug, name: app.name };
  for (const name of ['read', 'write']) {
    const entitlement = await core.call<{ pbm_uuid: string }>('POST', '/core/application_entitlements/', {
      name,
      app: app.pk,
    });
    await core.call('POST', '/policies/bindings/', { target: entitlement.pbm_uuid, group: below.pk, order: 0 });
  }
  people = await core.deps.database.kysely.selectFrom('users').selectAll().where('type', '=', 'internal').execute();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

interface Scene {
  readonly user: UserSource;
  readonly isAsked: boolean;
  readonly context: Record<string, unknown>;
  /** Names that this place does not offer. */
  readonly without: readonly string[];
}

const requestOf = (user: UserSource): FlowRequest => ({
  requestId: 'r1',
  clientIp: '192.0.2.1',
  userAgent: 'test',
  host: 'id.example.org',
  secure: true,
  query: new URLSearchParams('a=b'),
  cookies: new Map(),
  user: user !== undefined && 'id' in user ? user : undefined,
  pending: undefined,
  userIsSuperuser: false,
  outpost: undefined,
  clientCertificate: async () => ({ kind: 'none' }),
  session: core.deps.sessions.create(),
  setCookies: [],
  notes: [],
});

/** All that an evaluation can be seen by, in a world of its own. */
function enter(text: string, { user, isAsked, context, without }: Scene) {
  const own = structuredClone(context);
  const request = isAsked ? requestOf(user) : undefined;
  const messages: string[] = [];
  const view = contextView(core.deps, own, request?.host);
  const whom = new UserObject(core.deps, user, request?.host);
  const names: Record<string, Value> = {
    user: whom,
    request: policyRequestObject(core.deps, { user: whom, request, context: view.value }),
    context: view.value,
    prompt_context: view.value,
    provider: new RecordObject('OAuth2Provider', {
      application: new RecordObject('Application', { pk: application.pk }, { plain: application }),
    }),
    ak_is_sso_flow: own['is_sso'] === true,
    ak_message: new Native('ak_message', ({ args }) => {
      messages.push(args.map(str).join(' '));
      return null;
    }),
  };
  const offered = Object.fromEntries(Object.entries(names).filter(([name]) => !without.includes(name)));
  const call: ExpressionCall = { text, request, names: offered };
  const seen = () => {
    view.writeBack();
    return { messages, context: own };
  };
  return { call, seen };
}

async function outcome(evaluate: typeof evaluateExpression, text: string, scene: Scene) {
  const { call, seen } = enter(text, scene);
  return evaluate(core.deps, call).then(
    (value) => ({ type: typeName(value), value: toPlain(value), ...seen() }),
    (error: unknown) => ({
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      ...seen(),
    }),
  );
}

async function expectSame(text: string, scene: Scene): Promise<void> {
  const interpreted = await outcome(interpretExpression, text, scene);
  expect(await outcome(evaluateExpression, text, scene)).toEqual(interpreted);
}

/** What JSON may hold where nobody looked when it was stored. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    1.5,
    2 ** 60,
    '',
    'text',
    [],
    {},
    ['username'],
    { locale: 'fr' },
    { locale: null },
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const word = fc.oneof(fc.constantFrom('', 'member', 'leader', 'Å', '😀'), fc.string({ maxLength: 20 }));
const settings = fc.oneof(odd, fc.constantFrom<unknown>({ locale: 'fr' }, { locale: null }, {}, null));
const may = fc.oneof(odd, fc.constantFrom<unknown>(null, false, true, '', 'yes', 0, []));
const change = 'goauthentik.io/user/can-change-';
const attributes = fc.record(
  { settings, [`${change}email`]: may, [`${change}name`]: may, [`${change}username`]: may, other: odd },
  { requiredKeys: [] },
);

/** A user of the database with values of its own, one that is gone, only a name, or nobody. */
const users: fc.Arbitrary<UserSource> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.nat(), fc.record({ name: word, email: word, attributes }))
      .map(([at, own]) => changed(at, own)),
  },
  fc.nat().map((at) => ({ pk: people[at % people.length]?.id ?? 0 })),
  fc.constant({ pk: 2_000_000_000 }),
  word.map((username) => ({ username })),
  fc.constant(undefined),
);

function changed(at: number, own: Pick<UserRecord, 'name' | 'email' | 'attributes'>): UserSource {
  const row = people[at % people.length];
  return row === undefined ? undefined : { ...row, ...own };
}

const contexts: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    prompt_data: fc.oneof(odd, fc.record({ username: word, name: word, email: word }, { requiredKeys: [] })),
    user_backend: odd,
    auth_method: fc.oneof(odd, fc.constantFrom('password', 'auth_webauthn_pwl')),
    is_sso: odd,
    flow_plan: fc.oneof(odd, contextsOfPlan()),
    pending_user: fc.oneof(
      odd,
      fc.nat(5).map((pk) => ({ pk })),
    ),
  },
  { requiredKeys: [] },
);

function contextsOfPlan() {
  return fc.dictionary(fc.string({ maxLength: 5 }), odd, { maxKeys: 3 }).map((context) => ({ context }));
}

const scenes: fc.Arbitrary<Scene> = fc.record({
  user: users,
  isAsked: fc.boolean(),
  context: contexts,
  without: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    fc.subarray(['user', 'request', 'context', 'provider', 'ak_is_sso_flow', 'ak_message'], { maxLength: 2 }),
  ),
});

const distinct = [...new Map(known.map((one) => [digest(one.text), one])).values()];

describe('equal to the interpreter', () => {
  for (const { name, text } of distinct)
    test(`core §16.2: ${name}, in whatever context`, async () => {
      await fc.assert(
        fc.asyncProperty(scenes, (scene) => expectSame(text, scene)),
        { numRuns: 150, endOnFailure: true },
      );
    }, 120_000);

  test.each(distinct)('core §16.2: the twin itself answers in the usual context ($name)', async ({ text }) => {
    const user = people.find(({ username }) => username === 'member');
    const prompt_data = { username: 'member', name: 'member', email: 'other@x.test' };
    const scene: Scene = { user, isAsked: true, context: { prompt_data, flow_plan: { context: {} } }, without: [] };
    const { call } = enter(text, scene);
    expect(await twinOf(text)?.(seenBy(core.deps, call))).toBeDefined();
    await expectSame(text, scene);
  });

  test('core §16.2: the first administrator without a password, with one, and gone', async () => {
    const scene: Scene = { user: undefined, isAsked: true, context: { flow_plan: { context: {} } }, without: [] };
    const asks = shipped.filter(({ name }) => name.startsWith('default-oobe-'));
    expect(asks).toHaveLength(2);
    const as = (values: object) =>
      core.deps.database.kysely.updateTable('users').set(values).where('path', '=', 'first').execute();
    await core.deps.database.kysely
      .updateTable('users')
      .set({ path: 'first' })
      .where('username', '=', 'akadmin')
      .execute();
    for (const values of [
      { password: '' },
      { password: '!' },
      { password: 'pbkdf2_sha256$1$a$b' },
      { username: 'renamed' },
    ]) {
      await as(values);
      for (const { text } of asks) await expectSame(text, scene);
    }
  });
});

test('core §16.2: a list longer than twins take is counted by the interpreter', async () => {
  const names = Array.from({ length: longestList + 1 }, (_, at) => `many-${at}`);
  await core.deps.database.kysely
    .insertInto('groups')
    .values(names.map((name) => ({ name })))
    .execute();
  const many = await makeUser(core);
  const groups = await core.deps.database.kysely
    .selectFrom('groups')
    .select('uuid')
    .where('name', 'in', names)
    .execute();
  const member = groups.map(({ uuid }) => ({ group_uuid: uuid, user_id: many.pk }));
  await core.deps.database.kysely.insertInto('memberships').values(member).execute();
  const scene: Scene = { user: { pk: many.pk }, isAsked: false, context: {}, without: [] };
  const { call } = enter(scope('profile'), scene);
  expect(await twinOf(call.text)?.(seenBy(core.deps, call))).toBeUndefined();
  expect(await outcome(evaluateExpression, call.text, scene)).toMatchObject({
    value: { groups: expect.arrayContaining(names) },
  });
});

test('core §16.2: an edited text is run as it is written', async () => {
  const scene: Scene = { user: { username: 'ada' }, isAsked: false, context: {}, without: [] };
  const edited = scope('email').replace('False', 'True');
  expect(await outcome(evaluateExpression, edited, scene)).toMatchObject({
    value: { email: '', email_verified: true },
  });
});
