// Lists of a large installation: ten thousand users and as many events, asked as pages and outposts ask, each answered by
// the index that is there for it. PostgreSQL itself counts how often it used one.
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const many = 10_000;
let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
  await rows('alter table users disable trigger users_noted');
  await rows(`insert into users (username, name, email, attributes) select 'crowd-' || n, 'Person ' || md5(n::text),
    'crowd-' || n || '@example.org', jsonb_build_object('uidNumber', n, 'upn', 'Upn-' || n)
    from generate_series(1, ${many}) n`);
  await rows('alter table users enable trigger users_noted');
  await rows(`insert into events (action, app, context, client_ip, "user", brand, expires) select 'login', 'bench',
    jsonb_build_object('model', jsonb_build_object('pk', n)), '192.0.2.1', jsonb_build_object('username', 'crowd-' || n),
    '{}', now() + interval '1 day' from generate_series(1, ${many}) n`);
  await rows('analyze');
});
afterAll(async () => core[Symbol.asyncDispose]());

const attributes = encodeURIComponent(JSON.stringify({ uidNumber: 4242 }));
const cases: readonly [path: string, index: string][] = [
  ['/core/users/?search=crowd-4242', 'users_parts'],
  ['/core/users/?username=crowd-4242', 'users_username_key'],
  [`/core/users/?attributes=${attributes}`, 'users_attributes'],
  ['/events/events/?username=crowd-4242', 'events_username'],
  ['/events/events/?context_model_pk=4242', 'events_model_pk'],
];
for (const [path, index] of cases)
  test(`core: ${path.split('=')[0]} is answered by ${index}`, async () => {
    const before = await usesOf(index);
    const { pagination } = await core.call<{ pagination: { count: number } }>('GET', path);
    expect(pagination.count).toBe(1);
    await expect.poll(() => usesOf(index), { timeout: 25_000 }).toBeGreaterThan(before);
  });

test('core: ?pk and an identification by upn, too', async () => {
  const { results } = await core.call<{ results: { pk: number; username: string }[] }>(
    'GET',
    '/core/users/?username=crowd-77',
  );
  const before = await Promise.all([usesOf('users_pkey'), usesOf('users_upn_folded')]);
  const [{ pk, username } = { pk: 0, username: '' }] = results;
  expect(await core.call('GET', `/core/users/?pk=${pk}`)).toMatchObject({ pagination: { count: 1 } });
  await rows(`select id from users where lower(username) = $1 or lower(attributes->>'upn') = $1`, ['upn-77']);
  expect(username).toBe('crowd-77');
  await expect.poll(() => usesOf('users_pkey'), { timeout: 25_000 }).toBeGreaterThan(before[0]);
  await expect.poll(() => usesOf('users_upn_folded'), { timeout: 25_000 }).toBeGreaterThan(before[1]);
});

test('core: an action of events is answered by events_action, whatever part of its name is given', async () => {
  const before = await usesOf('events_action');
  const count = async (query: string) =>
    (await core.call<{ pagination: { count: number } }>('GET', `/events/events/?${query}`)).pagination.count;
  expect(await count('action=logi')).toBeGreaterThanOrEqual(many);
  expect(await count('action=no_such')).toBe(0);
  await expect.poll(() => usesOf('events_action'), { timeout: 25_000 }).toBeGreaterThan(before);
});

interface Found {
  readonly pagination: { readonly count: number };
  readonly searched?: { readonly rows: number; readonly since: string };
}

test('core: a search of events looks at the newest hundred thousand, says so, and looks further back when asked', async () => {
  const search = (word: string, before = '') =>
    core.call<Found>('GET', `/events/events/?${new URLSearchParams({ search: word, search_before: before })}`);
  const found = async (word: string) => (await search(word)).pagination.count;
  const event = (word: string) => ({ action: 'custom_needle', app: 'test', context: { word } });
  await core.call('POST', '/events/events/', event('needle-old'));
  const all = await search('needle-old');
  expect([all.pagination.count, all.searched]).toEqual([1, undefined]);
  await rows(`insert into events (action, app, "user", brand, expires) select 'custom_straw', 'bench', '{}', '{}',
    now() + interval '1 day' from generate_series(1, 100000) n`);
  await core.call('POST', '/events/events/', event('needle-new'));
  expect([await found('needle-old'), await found('needle-new')]).toEqual([0, 1]);
  const { searched } = await search('needle-old');
  expect(searched).toEqual({ rows: 100_000, since: expect.any(String) });
  expect((await search('needle-old', searched?.since)).pagination.count).toBe(1);
  expect((await search('needle-new', searched?.since)).pagination.count).toBe(0);
  await expect(search('needle-old', 'yesterday')).rejects.toThrow('search_before');
  const { pagination } = await core.call<{ pagination: { count: number } }>('GET', '/events/events/?action=needle');
  expect(pagination.count).toBe(2);
});

/** A connection tells within ten seconds of falling idle. */
async function usesOf(index: string): Promise<number> {
  const text = 'select coalesce(sum(idx_scan), 0)::int as uses from pg_stat_user_indexes where indexrelname = $1';
  return (await rows<{ uses: number }>(text, [index]))[0]?.uses ?? 0;
}

function rows<Row>(text: string, values: readonly string[] = []): Promise<readonly Row[]> {
  return core.deps.database.rows<Row>({ name: text.slice(0, 60), text }, values);
}
