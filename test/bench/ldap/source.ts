// Where the people of a benchmark come from: our own core with its database, or a core that makes its pages up.
import { createHash } from 'node:crypto';
import { startTestCore, type TestCore, testPassword } from '@gatehouse/core/testing';

export interface Person {
  /** In the core. */
  readonly pk: number;
  readonly username: string;
  readonly uid: string;
  readonly name: string;
  readonly mail: string;
}

export interface Source extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly people: readonly Person[];
  /** Gives some people another name, in one go, so that an outpost hears of it or will when it asks. */
  rename(people: readonly Person[], name: string): Promise<void>;
}

/** Our core. Rows straight into its database: what is measured is the outpost. Names are spread over the alphabet. */
export async function startRealSource(users: number): Promise<Source> {
  const core = await startTestCore();
  const people = await makePeople(core, users);
  const { results } = await core.call<{ results: { pk: string; type: string }[] }>('GET', '/outposts/instances/');
  const pk = results.find(({ type }) => type === 'ldap')?.pk ?? '';
  // Neither side writes a line per request.
  await core.call('PATCH', `/outposts/instances/${pk}/`, { config: { log_level: 'error' } });
  return {
    url: core.url,
    token: await core.outpostToken('ldap'),
    people,
    async rename(changed, name) {
      const pks = changed.map((one) => one.pk);
      await core.deps.database.kysely
        .updateTable('users')
        .set({ name, last_updated: new Date() })
        .where('id', 'in', pks)
        .execute();
    },
    [Symbol.asyncDispose]: () => core[Symbol.asyncDispose](),
  };
}

async function makePeople({ deps }: TestCore, count: number): Promise<Person[]> {
  const { kysely } = deps.database;
  const password = await deps.passwords.make(testPassword);
  const made: Person[] = [];
  for (let at = 0; at < count; at += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, count - at) }, (_, offset) => {
      const { username, name, mail: email } = personAt(at + offset);
      return { username, name, email, password, attributes: JSON.stringify(attributes) };
    });
    const stored = await kysely
      .insertInto('users')
      .values(rows)
      .returning(['id', 'username', 'name', 'email'])
      .execute();
    for (const { id, username, name, email } of stored)
      made.push({ pk: id, username, uid: uidOf(id, deps.installationId), name, mail: email });
  }
  return made;
}

export const attributes = { description: 'x'.repeat(200) };

export function personAt(number: number): Omit<Person, 'pk' | 'uid'> {
  const letter = String.fromCharCode(97 + (number % 26));
  const username = `${letter}bench${number}`;
  return { username, name: `Bench Person ${number}`, mail: `${username}@example.org` };
}

export function uidOf(pk: number, installation: string): string {
  return createHash('sha256').update(`${pk}-${installation}`).digest('hex');
}
