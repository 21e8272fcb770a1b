// People of a core that makes them up (generated-core-server.ts), and that core as a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pin } from './pin.ts';
import { type Person, personAt, type Source, uidOf } from './source.ts';

/** What its process is told: these users have that name from now on. */
interface Renaming {
  readonly pks: readonly number[];
  readonly name: string;
}

export async function startGeneratedSource(users: number, groups: number): Promise<Source> {
  const child = fork(join(import.meta.dirname, 'generated-core-server.ts'), [String(users), String(groups)]);
  const exited = once(child, 'exit');
  const [port] = await once(child, 'message');
  await pin(child.pid ?? 0, 1);
  return {
    url: `http://127.0.0.1:${port}/`,
    token: 'bench',
    people: Array.from({ length: users }, (_, at) => generatedPerson(at)),
    async rename(people, name) {
      const renamed = once(child, 'message');
      child.send({ pks: people.map(({ pk }) => pk), name } satisfies Renaming);
      await renamed;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await exited;
    },
  };
}

/** The first user of that core is the one that searches; people come behind it. */
export function generatedPerson(at: number): Person {
  const pk = at + 2;
  return { ...personAt(at), pk, uid: uidOf(pk, 'bench') };
}

export function isRenaming(message: unknown): message is Renaming {
  return typeof message === 'object' && message !== null && 'pks' in message && 'name' in message;
}
