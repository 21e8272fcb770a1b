// What LISTEN/NOTIFY costs between two core processes on one database: a user is changed at the first, and an outpost that is
// connected to the second hears of it. One change at a time, from the call and from its answer; then 100 changes a second, with
// the processor time that each of them costs the second core (what it spends idle taken off), the first, and PostgreSQL. The
// reference, on the same database from the measuring process: one connection notifies, another one hears it.
import { temporaryFolder } from '@gatehouse/daemon/testing';
import pg from 'pg';
import { startDaemon } from '../../harness/daemon.ts';
import { openChannel } from './channels.ts';
import { percentile, processorMs, processorMsBelow, rounded, type Subject, startSubject } from './subject.ts';

const people = 100;
const singly = 60;
/** Longer than a core gathers changes before it tells of them again. */
const apartMs = 80;
const perSecond = 100;
const seconds = 5;

export async function measureNotices() {
  await using first = await startSubject();
  await using folder = await temporaryFolder();
  await using second = await startDaemon('core', { env: secondCore(first, folder.path) });
  const { results } = await first.call<{ results: { pk: string }[] }>('GET', '/outposts/instances/');
  const heard = createHearing();
  const url = `http://127.0.0.1:${second.bound('http').port}/`;
  const socket = await openChannel({ url }, `ws/outpost/${results[0]?.pk}/?instance_uuid=bench`, heard.listeners);
  const users = await makeUsers(first);
  let changes = 0;
  const change = (nth: number) => {
    changes += 1; // another name each time: an update that changes nothing is none
    return changed(first, heard, users[nth % people] ?? 0, `changed ${changes}`);
  };
  for (let nth = 0; nth < people; nth += 1) await change(nth);
  const alone: Told[] = [];
  for (let nth = 0; nth < singly; nth += 1) {
    alone.push(await change(nth));
    await pause(apartMs);
  }
  const reference = await bareNotices(first.postgres);
  const stream = await streamed(first, second.pid ?? 0, change);
  socket.terminate();
  return {
    one_at_a_time: {
      from_the_call: numbers(alone.map(({ callMs }) => callMs)),
      from_its_answer: numbers(alone.map(({ answerMs }) => answerMs)),
    },
    bare_notice: numbers(reference),
    changes_per_s: perSecond,
    ...stream,
  };
}

const secondCore = ({ postgres }: Subject, dataDir: string) => ({
  AUTHENTIK_DATA_DIR: dataDir,
  AUTHENTIK_SECRET_KEY: 'secret key of the bench',
  AUTHENTIK_LISTEN__CORE: '127.0.0.1:0',
  AUTHENTIK_POSTGRESQL__HOST: postgres.host,
  AUTHENTIK_POSTGRESQL__USER: postgres.user,
  AUTHENTIK_POSTGRESQL__NAME: postgres.database,
});

const pause = (ms: number) => new Promise((later) => setTimeout(later, ms));
const numbers = (samples: readonly number[]) => ({
  p50_ms: rounded(percentile(samples, 0.5)),
  p99_ms: rounded(percentile(samples, 0.99)),
});

/** Told by the second core: waits for the next delta that names this user. */
function createHearing() {
  const waiting = new Map<number, ((atMs: number) => void)[]>();
  const hear = (text: string) => {
    if (!text.includes('"delta"')) return;
    const atMs = performance.now();
    const { args } = JSON.parse(text) as { args: { users: number[] } }; // the contract's delta
    for (const pk of args.users) for (const tell of waiting.get(pk)?.splice(0) ?? []) tell(atMs);
  };
  return {
    listeners: new Set([hear]),
    next: (pk: number) => new Promise<number>((resolve) => waiting.set(pk, [...(waiting.get(pk) ?? []), resolve])),
  };
}

interface Told {
  /** From the call to the first core until the outpost at the second has heard. */
  readonly callMs: number;
  /** From its answer on: what comes after the commit. Below zero where the news is faster than the answer. */
  readonly answerMs: number;
}

async function changed(
  core: Subject,
  heard: ReturnType<typeof createHearing>,
  pk: number,
  name: string,
): Promise<Told> {
  const heardAt = heard.next(pk);
  const calledMs = performance.now();
  await core.call('PATCH', `/core/users/${pk}/`, { name });
  const answeredMs = performance.now();
  const atMs = await heardAt;
  return { callMs: atMs - calledMs, answerMs: atMs - answeredMs };
}

async function makeUsers(core: Subject): Promise<number[]> {
  const made: number[] = [];
  for (let nth = 0; nth < people; nth += 1) {
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', { username: `told-${nth}`, name: '' });
    made.push(pk);
  }
  return made;
}

async function streamed(first: Subject, secondPid: number, change: (nth: number) => Promise<Told>) {
  const firstPid = first.daemon.pid ?? 0;
  const spent = async () => ({
    first: await processorMs(firstPid),
    second: await processorMs(secondPid),
    postgres: await processorMsBelow(firstPid),
  });
  const changes = perSecond * seconds;
  const rested = await spent();
  await pause(seconds * 1000);
  const before = await spent();
  const told: Promise<Told>[] = [];
  const startedMs = performance.now();
  for (let nth = 0; nth < changes; nth += 1) {
    told.push(change(nth));
    await pause(Math.max(0, startedMs + ((nth + 1) * 1000) / perSecond - performance.now()));
  }
  const heard = await Promise.all(told);
  const after = await spent();
  // What all of them spend in as long a time without changes is no part of it.
  const each = (of: keyof typeof after) => rounded((after[of] - 2 * before[of] + rested[of]) / changes);
  return {
    from_the_call: numbers(heard.map(({ callMs }) => callMs)),
    processor_ms_a_change: { second_core: each('second'), first_core: each('first'), postgres: each('postgres') },
  };
}

/** The least it can take: from asking for a notice until another connection has it. */
async function bareNotices(settings: Subject['postgres']): Promise<number[]> {
  const [teller, hearer] = [new pg.Client(settings), new pg.Client(settings)];
  await Promise.all([teller.connect(), hearer.connect()]);
  await hearer.query('listen bench');
  const took: number[] = [];
  for (let nth = 0; nth < singly; nth += 1) {
    const startedMs = performance.now();
    const heard = new Promise<number>((resolve) =>
      hearer.once('notification', () => resolve(performance.now() - startedMs)),
    );
    await teller.query({ name: 'tell', text: 'select pg_notify($1, $2)', values: ['bench', String(nth)] });
    took.push(await heard);
    await pause(apartMs / 4);
  }
  await Promise.all([teller.end(), hearer.end()]);
  return took;
}
