// Keeping the directory up to date against a core that is made up here: with cursors, as ours, and without, as any other.
import type { CoreClient } from '@gatehouse/contract/client';
import { type GroupRow, groupRow, type UserRow, userRow } from '@gatehouse/contract/rest';
import { GatewayError } from '@gatehouse/daemon/errors';
import { fakeClock } from '@gatehouse/daemon/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { CustomTypes } from '../mapping/custom-attributes.ts';
import { attribute } from './attribute-types.ts';
import { Directory } from './directory.ts';
import { createDirectorySync, type DirectorySync } from './sync.ts';

const signal = new AbortController().signal;
const stamp = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
const person = (pk: number, name: string, second = 0): UserRow =>
  userRow.parse({
    pk,
    username: `u${pk}`,
    name,
    is_superuser: false,
    uid: `${pk}`,
    uuid: `11111111-1111-4111-8111-11111111111${pk}`,
    date_joined: stamp(0),
    last_updated: stamp(second),
    password_change_date: stamp(0),
  });
const team = (pk: string, users: readonly number[]): GroupRow => groupRow.parse({ pk, num_pk: 1, name: pk, users });

/** Answers as a core would; every call can fail once. */
class MadeUpCore {
  users: UserRow[] = [];
  groups: GroupRow[] = [];
  cursor: number | undefined;
  changed: { users: UserRow[]; groups: GroupRow[]; goneUsers: number[]; goneGroups: string[]; reset: boolean } = none();
  failing: RegExp | undefined;
  readonly calls: string[] = [];

  client(): CoreClient {
    const get = async (path: string, _schema: unknown, options: { query?: Record<string, unknown> } = {}) => {
      this.#note(path, options.query);
      if (path === '/core/users/') return { pagination: { next: 0, count: this.users.length }, results: [] };
      if (this.cursor === undefined) throw new GatewayError('ERR_CONTRACT_NOT_FOUND', 'no such thing', { hint: '' });
      const { users, groups, goneUsers, goneGroups, reset } = this.changed;
      return {
        cursor: String(this.cursor),
        reset,
        users: { changed: options.query === undefined ? [] : users, gone: goneUsers },
        groups: { changed: options.query === undefined ? [] : groups, gone: goneGroups },
      };
    };
    const eachRow = async (
      path: string,
      _row: unknown,
      { query = {} }: { query?: Record<string, string> },
      take: (row: unknown) => void,
    ) => {
      this.#note(path, query);
      const since = Date.parse(query['last_updated__gt'] ?? stamp(-1_000_000));
      const rows: readonly (UserRow | GroupRow)[] =
        path === '/core/users/'
          ? this.users.filter(({ last_updated }) => Date.parse(last_updated) > since)
          : this.groups;
      for (const row of rows.slice(0, 2)) take(row);
      this.#note(`${path} page 2`, query);
      for (const row of rows.slice(2)) take(row);
      return rows.length;
    };
    return { get, eachRow } as unknown as CoreClient; // the sync uses nothing else
  }

  #note(path: string, query: Record<string, unknown> | undefined): void {
    const call = `${path} ${Object.keys(query ?? {}).join(',')}`;
    this.calls.push(call);
    if (this.failing?.test(call) === true) throw new GatewayError('ERR_CONTRACT_CORE_FAILED', 'spoilt', { hint: '' });
  }
}

const none = () => ({ users: [], groups: [], goneUsers: [], goneGroups: [], reset: false });

let core: MadeUpCore;
let directory: Directory;
let sync: DirectorySync;
const clock = fakeClock();

beforeEach(() => {
  core = new MadeUpCore();
  core.users = [1, 2, 3].map((pk) => person(pk, `Name ${pk}`));
  core.groups = [team('a', [1, 2]), team('b', [3])];
  directory = new Directory(new CustomTypes());
  sync = createDirectorySync({ core: core.client(), directory, pageSize: 100, clock });
});

const nameOf = (pk: number) => {
  const row = directory.rowOfUser(pk);
  return row === undefined ? undefined : directory.users.records.firstValue(row, attribute.displayName);
};
const groupsOf = (pk: number) => {
  const row = directory.rowOfUser(pk) ?? -1;
  return directory.memberships.groupsOf(row).map((group) => directory.groups.records.firstValue(group, attribute.cn));
};

describe.each([
  ['with cursors', 7],
  ['by time', undefined],
] as const)('%s', (_, cursor) => {
  beforeEach(async () => {
    core.cursor = cursor;
    await sync.refresh(signal);
  });

  test('everything is there at first', () => {
    expect([1, 2, 3].map(nameOf)).toEqual(['Name 1', 'Name 2', 'Name 3']);
    expect([1, 2, 3].map(groupsOf)).toEqual([['a'], ['a'], ['b']]);
  });

  test('ldap 90: whatever fails on the way, nothing is lost', async () => {
    await clock.advance(4_000_000);
    for (const failing of [/users/, /users\/ page 2/, /groups/, /groups\/ page 2/, /sync/]) {
      core.failing = failing;
      if (failing.source.includes('sync') && cursor === undefined) continue;
      await expect(sync.refresh(signal)).rejects.toThrow('spoilt');
      expect([1, 2, 3].map(groupsOf)).toEqual([['a'], ['a'], ['b']]);
    }
    core.failing = undefined;
    await sync.refresh(signal);
  });

  test('who is gone is taken out, with the memberships', async () => {
    core.users = core.users.slice(1);
    core.groups = [team('a', [2])];
    core.changed = { ...none(), groups: [team('a', [2])], goneUsers: [1], goneGroups: ['b'] };
    await sync.refresh(signal);
    expect([1, 2, 3].map(nameOf)).toEqual([undefined, 'Name 2', 'Name 3']);
    expect(groupsOf(2)).toEqual(['a']);
    expect(groupsOf(3)).toEqual([]);
  });

  test('what has changed is changed, and only that is asked for', async () => {
    const renamed = person(2, 'New name', 5);
    core.users = core.users.with(1, renamed);
    core.groups = [team('a', [1]), team('b', [2, 3])];
    core.changed = { ...none(), users: [renamed], groups: core.groups };
    core.calls.length = 0;
    await sync.refresh(signal);
    expect(nameOf(2)).toBe('New name');
    expect(groupsOf(2)).toEqual(['b']);
    const asked = core.calls.filter((call) => call.startsWith('/core/users/') && !call.includes('page_size'));
    expect(asked.every((call) => call.includes('last_updated__gt'))).toBe(true);
    if (cursor !== undefined) expect(core.calls).toEqual(['/outposts/sync/ since']);
  });
});

test('a cursor that the core no longer knows means that everything is read', async () => {
  core.cursor = 7;
  await sync.refresh(signal);
  core.changed = { ...none(), reset: true };
  core.users.push(person(4, 'Name 4'));
  await sync.refresh(signal);
  expect(nameOf(4)).toBe('Name 4');
});
