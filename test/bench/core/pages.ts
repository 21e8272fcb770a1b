// `GET /core/users/?page_size=100` among ten thousand users in fifty groups, against what any answer needs at least: the rows
// of the page with their groups from PostgreSQL, as JSON. Both one request at a time, over the same kind of connection; the
// reference has neither HTTP, nor a caller to identify, nor rights.
import { Agent, request } from 'node:http';
import { startTestCore, type TestCore } from '@gatehouse/core/testing';

const people = 10_000;
const rounds = 9;
const perRound = 60;

export async function measurePages() {
  await using core = await startTestCore();
  await populate(core);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const subject = () => get(core, agent, '/core/users/?page_size=100&page=3');
  const reference = () => bareQuery(core);
  for (let warm = 0; warm < 40; warm += 1) await Promise.all([subject(), reference()]);
  const rates = { page: [] as number[], query: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    rates.query.push(await rateOf(reference));
    rates.page.push(await rateOf(subject));
  }
  agent.destroy();
  const [page, query] = [median(rates.page), median(rates.query)];
  return {
    users: people,
    page_per_s: Math.round(page),
    bare_query_per_s: Math.round(query),
    ratio: round2(page / query),
  };
}

async function populate({ deps }: TestCore): Promise<void> {
  const { kysely } = deps.database;
  const groups = await kysely
    .insertInto('groups')
    .values(Array.from({ length: 50 }, (_, at) => ({ name: `bench ${at}` })))
    .returning('uuid')
    .execute();
  for (let at = 0; at < people; at += 1000) {
    const users = await kysely
      .insertInto('users')
      .values(
        Array.from({ length: 1000 }, (_, each) => ({
          username: `bench-${String(at + each).padStart(5, '0')}`,
          name: `Bench ${at + each}`,
          email: `bench-${at + each}@example.org`,
          attributes: JSON.stringify({ uidNumber: at + each }),
        })),
      )
      .returning('id')
      .execute();
    const pairs = users.flatMap(({ id }) =>
      [0, 1].map((nth) => ({ user_id: id, group_uuid: groups[(id + nth * 7) % groups.length]?.uuid ?? '' })),
    );
    await kysely.insertInto('memberships').values(pairs).execute();
  }
}

/** What any answer needs: rows, their groups, and the number of all. */
async function bareQuery({ deps }: TestCore): Promise<void> {
  const { kysely } = deps.database;
  const users = await kysely.selectFrom('users').selectAll().orderBy('username').limit(100).offset(200).execute();
  const ids = users.map(({ id }) => id);
  const groups = await kysely
    .selectFrom('memberships')
    .innerJoin('groups', 'groups.uuid', 'memberships.group_uuid')
    .selectAll('groups')
    .select('memberships.user_id')
    .where('memberships.user_id', 'in', ids)
    .execute();
  const { count } = await kysely
    .selectFrom('users')
    .select(({ fn }) => fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  JSON.stringify({ users, groups, count });
}

function get(core: TestCore, agent: Agent, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${core.adminToken}` };
    request(`${core.url}api/v3${path}`, { agent, headers }, (response) => {
      response.on('data', () => {});
      response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`))));
    })
      .on('error', reject)
      .end();
  });
}

/** A second, for each of so many. */
async function rateOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  for (let times = 0; times < perRound; times += 1) await work();
  return (perRound * 1000) / (performance.now() - startMs);
}

const round2 = (value: number) => Math.round(value * 100) / 100;

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
