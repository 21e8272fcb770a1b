// A copied core is what a first start makes; and two first starts, other than two copies, have no secret in common.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Tables } from '../database/tables.ts';
import { startTestCore, type TestCore } from './index.ts';

let first: TestCore;
let copy: TestCore;

beforeAll(async () => {
  first = await startTestCore({ fromNothing: true });
  copy = await startTestCore();
});
afterAll(async () => {
  await Promise.all([first, copy].map((core) => core?.[Symbol.asyncDispose]()));
});

/** What work beside the requests has done so far is another matter each time. */
const moving: readonly (keyof Tables)[] = ['tasks', 'workers', 'events'];

test('a copy has as many rows in each table as a first start makes', async () => {
  const counts = async ({ deps }: TestCore) => {
    const tables = await deps.database.kysely.introspection.getTables();
    const found: Record<string, number> = {};
    for (const { name } of tables) {
      const { rows } = await sql<{ n: string }>`select count(*) as n from ${sql.table(name)}`.execute(
        deps.database.kysely,
      );
      if (!moving.some((one) => one === name)) found[name] = Number(rows[0]?.n);
    }
    return found;
  };
  const made = await counts(first);
  expect(Object.values(made).filter((rows) => rows > 0).length).toBeGreaterThan(20);
  expect(await counts(copy)).toEqual(made);
});

test('core §1.3: id, keys, tokens and secrets are of one installation alone', async () => {
  const secrets = async ({ deps, call, adminToken }: TestCore) => {
    const { database, installationId } = deps;
    const keys = await database.kysely.selectFrom('certificates').select('key_data').execute();
    const tokens = await database.kysely.selectFrom('tokens').select('key').where('key', '!=', adminToken).execute();
    const { results } = await call<{ results: Client[] }>('GET', '/providers/oauth2/');
    const { results: behindProxy } = await call<{ results: Client[] }>('GET', '/providers/proxy/');
    const clients = [...results, ...behindProxy];
    return {
      id: [installationId],
      keys: keys.map(({ key_data }) => key_data),
      tokens: tokens.map(({ key }) => key),
      ids: clients.map(({ client_id }) => client_id),
    };
  };
  const [one, other] = [await secrets(first), await secrets(copy)];
  for (const kind of ['id', 'keys', 'tokens', 'ids'] as const) {
    expect(one[kind], kind).not.toEqual([]);
    expect(other[kind].length, kind).toBe(one[kind].length);
    expect(
      one[kind].filter((secret) => other[kind].includes(secret)),
      kind,
    ).toEqual([]);
  }
});

interface Client {
  readonly client_id: string;
}
