// The lean way to send a prepared statement gives what pg's own way gives, whatever the types, the failures and the order.
import { join } from 'node:path';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { inOneWrite, type Send } from './one-write.ts';
import { PreparedQueries, PreparedQuery, type Value } from './prepared.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: EmbeddedPostgres;
let pool: pg.Pool;
beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startEmbeddedPostgres({ dataDir: join(folder.path, 'data'), log: captureLogger(), fsync: false });
  pool = new pg.Pool({ ...server.connection, max: 1 });
  pool.on('error', () => undefined); // the server may end before the goodbye of an idle connection, which nobody waits for
});
afterAll(async () => {
  await pool.end();
  await server.stop();
  await folder[Symbol.asyncDispose]();
});

const prepared = async (text: string, values: readonly Value[], name = text) =>
  (await pool.query(new PreparedQuery({ name, text }, values, pg.types.getTypeParser))).rows;
const plain = async (text: string, values: readonly Value[]) => (await pool.query(text, [...values])).rows;

test('values and rows are those of the plain way', async () => {
  const text = `select $1::text as a, $2::int as b, $3::timestamptz as c, $4::text[] as d, $5::boolean as e, $6::jsonb as f,
    $7::int[] as g, $8::uuid as h, null::text as i, 12345678901234::bigint as j`;
  const uuid = '00000000-0000-4000-8000-000000000001';
  const values = [
    'ä€😀',
    -7,
    new Date(1_700_000_000_123),
    ['a"b', '\\', '', 'null', '{,}'],
    true,
    '{"x":[1]}',
    [],
    uuid,
  ];
  const expected = await plain(text, values);
  expect(await prepared(text, values, 'kinds')).toEqual(expected);
  expect(await prepared(text, values, 'kinds'), 'once it is known').toEqual(expected);
  expect(
    await prepared(
      text,
      values.map(() => null),
      'kinds',
    ),
  ).toEqual(
    await plain(
      text,
      values.map(() => null),
    ),
  );
});

test('any text comes back as it went, alone and in an array', async () => {
  const text = fc.string({ unit: 'grapheme' }).filter((some) => !some.includes('\0'));
  await fc.assert(
    fc.asyncProperty(text, fc.array(text), async (one, many) => {
      const rows = await prepared('select $1::text as one, $2::text[] as many', [one, many], 'echo');
      expect(rows).toEqual([{ one, many }]);
    }),
    { numRuns: 200 },
  );
});

test('no row, many rows, and statements without any', async () => {
  expect(await prepared('select 1 as n where $1', [false])).toEqual([]);
  expect(await prepared('select n from generate_series(1, $1::int) n', [300])).toHaveLength(300);
  await pool.query('create temp table kept (n int primary key)');
  for (const n of [1, 2, 3]) expect(await prepared('insert into kept values ($1)', [n], 'insert')).toEqual([]);
  expect(await prepared('select n from kept order by n', [], 'kept')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('a failure is that of its own statement, before and after the statement is known', async () => {
  const divide = (by: number) => prepared('select 12 / $1::int as found', [by], 'divide');
  await expect(divide(0)).rejects.toMatchObject({ code: '22012' });
  expect(await divide(3)).toEqual([{ found: 4 }]);
  const both = await Promise.allSettled([divide(0), divide(4)]);
  expect(both).toMatchObject([
    { status: 'rejected', reason: { code: '22012' } },
    { status: 'fulfilled', value: [{ found: 3 }] },
  ]);
  await expect(prepared('select nonsense from nowhere', [])).rejects.toMatchObject({ code: '42P01' });
});

const fails = 'select 12 / $1::int as found';
const kinds = ['select $1::int as one', 'select $1::int + n as sum from generate_series(1, 3) n', fails];

/** Texts and their parameters, some of them failing, some the same several times. */
const asked = fc.array(fc.tuple(fc.constantFrom(...kinds), fc.integer({ min: 0, max: 3 })), { maxLength: 6 });

test('several in one write have the rows, and the failures, of each alone', async () => {
  let writes = 0;
  const send: Send = async (query) => {
    writes += 1;
    return pool.query(query);
  };
  const together = inOneWrite(send);
  const inTurn = async (text: string, by: number) => (await pool.query(text, [by])).rows;
  await fc.assert(
    fc.asyncProperty(asked, async (questions) => {
      writes = 0;
      const answers = await Promise.allSettled(
        questions.map(([text, by]) =>
          together(() => new PreparedQuery({ name: text, text }, [by], pg.types.getTypeParser)),
        ),
      );
      if (questions.every(([text, by]) => text !== fails || by > 0)) expect(writes).toBe(Math.min(1, questions.length));
      for (const [at, [text, by]] of questions.entries()) {
        const answer = answers[at];
        if (text === fails && by === 0) expect(answer).toMatchObject({ status: 'rejected', reason: { code: '22012' } });
        else expect(answer?.status === 'fulfilled' ? answer.value.rows : answer).toEqual(await inTurn(text, by));
      }
    }),
    { numRuns: 60 },
  );
});

test('of several of which one fails nothing is stored but what each stores by itself', async () => {
  await pool.query('create table stored (n int primary key)');
  const together = inOneWrite(async (query) => pool.query(query));
  const store = (n: number) =>
    together(
      () => new PreparedQuery({ name: 's', text: 'insert into stored values ($1)' }, [n], pg.types.getTypeParser),
    );
  expect((await Promise.allSettled([1, 2, 1, 3].map(store))).map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(await plain('select n from stored order by n', [])).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('where the connection is lost, each fails: nobody knows what was stored', async () => {
  const sent: unknown[] = [];
  const together = inOneWrite(async (query) => {
    sent.push(query);
    throw new Error('Connection terminated unexpectedly');
  });
  const ask = () => together(() => new PreparedQuery({ name: 'one', text: 'select 1' }, [], pg.types.getTypeParser));
  const answers = await Promise.allSettled([ask(), ask()]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(sent).toEqual([expect.any(PreparedQueries)]);
});

test('on one client that goes on after a failure', async () => {
  const client = new pg.Client(server.connection);
  await client.connect();
  const ask = (text: string, values: readonly Value[], name: string) =>
    new Promise<unknown>((resolve, reject) => {
      const query = new PreparedQuery({ name, text }, values, pg.types.getTypeParser);
      query.callback = (error, result) => (result === undefined ? reject(error) : resolve(result.rows));
      client.query(query);
    });
  await ask('select 6 / $1::int as found', [2], 'six');
  for (const by of [0, 3, 0, 6]) {
    const [answer] = await Promise.allSettled([ask('select 6 / $1::int as found', [by], 'six')]);
    expect(answer).toMatchObject(by === 0 ? { status: 'rejected' } : { value: [{ found: 6 / by }] });
  }
  await client.end();
});

test('a connection that is lost fails what waits for it', async () => {
  const lost = new pg.Pool({ ...server.connection, max: 1 });
  lost.on('error', () => undefined);
  lost.on('connect', (client) => client.on('error', () => undefined));
  const waiting = lost.query(
    new PreparedQuery({ name: 'long', text: 'select pg_sleep(30)' }, [], pg.types.getTypeParser),
  );
  await Promise.all([expect(waiting).rejects.toThrow(), endIt()]);
  await lost.end();
});

/** It may take a moment until the statement has begun. */
async function endIt(): Promise<void> {
  const text = `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(30)'`;
  while ((await pool.query(text)).rowCount === 0);
}
