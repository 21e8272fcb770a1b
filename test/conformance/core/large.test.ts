// Lists of a large installation: thirty thousand users and as many events, asked as pages and outposts ask, each answered by
// the index that is there for it. PostgreSQL itself counts how often it used one.
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';

const many = 30_000;
let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
  const { kysely } = core.deps.database;
  await sql`alter table users disable trigger users_noted`.execute(kysely);
  await sql`insert into users (username, name, email, attributes) select 'crowd-' || n, 'Person ' || md5(n::text),
    'crowd-' || n || '@example.org', jsonb_build_object('uidNumber', n, 'upn', 'Upn-' || n)
    from generate_series(1, ${sql.lit(many)}) n`.execute(kysely);
  await sql`alter table users enable trigger users_noted`.execute(kysely);
  await sql`insert into events (action, app, context, client_ip, "user", brand, expires) select 'login', 'bench',
    jsonb_build_object('model', jsonb_build_object('pk', n)), '192.0.2.1', jsonb_build_object('username', 'crowd-' || n),
    '{}', now() + interval '1 day' from generate_series(1, ${sql.lit(many)}) n`.execute(kysely);
  await sql`analyze`.execute(kysely);
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
    await expect.poll(() => usesOf(index), { timeout: 15_000 }).toBeGreaterThan(before);
  });

test('core: ?pk and an identification by upn, too', async () => {
  const { results } = await core.call<{ results: { pk: number; username: string }[] }>(
    'GET',
    '/core/users/?username=crowd-77',
  );
  const before = await Promise.all([usesOf('users_pkey'), usesOf('users_upn_folded')]);
  const [{ pk, username } = { pk: 0, username: '' }] = results;
  expect(await core.call('GET', `/core/users/?pk=${pk}`)).toMatchObject({ pagination: { count: 1 } });
  await core.deps.database.rows(
    { name: 'by upn', text: `select id from users where lower(username) = $1 or lower(attributes->>'upn') = $1` },
    ['upn-77'],
  );
  expect(username).toBe('crowd-77');
  await expect.poll(() => usesOf('users_pkey'), { timeout: 15_000 }).toBeGreaterThan(before[0]);
  await expect.poll(() => usesOf('users_upn_folded'), { timeout: 15_000 }).toBeGreaterThan(before[1]);
});

/** Told by each connection about a second after it was used. */
async function usesOf(index: string): Promise<number> {
  const { rows } = await sql<{ uses: string }>`select coalesce(sum(idx_scan), 0) as uses from pg_stat_user_indexes
    where indexrelname = ${index}`.execute(core.deps.database.kysely);
  return Number(rows[0]?.uses ?? 0);
}
