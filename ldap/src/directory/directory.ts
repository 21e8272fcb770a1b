// All users and groups of the core that are known here, whatever provider shows them: filled whole, or as far as one search
// needs it, and kept up to date row by row.
import type { GroupRow, UserRow } from '@gatehouse/contract/rest';
import { nextTurn } from '@gatehouse/daemon/async';
import type { CustomTypes } from '../mapping/custom-attributes.ts';
import { groupRecord } from '../mapping/group.ts';
import { userRecord } from '../mapping/user.ts';
import { attribute } from './attribute-types.ts';
import { grown, RowSet } from './columns.ts';
import { HashIndex, hashOf } from './hash-index.ts';
import { Memberships } from './memberships.ts';
import { Table } from './table.ts';

const indexedOfUsers = [
  attribute.cn,
  attribute.uid,
  attribute.mail,
  attribute.displayName,
  attribute.uidNumber,
  attribute.gidNumber,
  attribute.entryUUID,
];
const indexedOfGroups = [attribute.cn, attribute.uid, attribute.gidNumber];

type UserChanged = (pk: number, mayStay: boolean) => void;

export class Directory {
  readonly users = new Table(indexedOfUsers, nextTurn);
  readonly groups = new Table(indexedOfGroups, nextTurn);
  readonly memberships = new Memberships();
  /** Groups in groups: the child is the member. */
  readonly nesting = new Memberships();
  readonly #types: CustomTypes;
  readonly #userRows = new HashIndex();
  /** Rows of users who are not gone. */
  readonly #usersHere = new RowSet();
  readonly #groupRows = new Map<string, number>();
  readonly #groupsByNumber = new Map<number, number[]>();
  #pks = new Uint32Array(64);
  #numbers = new Uint32Array(64);
  /** Of what a remembered login rests on. */
  #stamps = new Uint32Array(64);
  readonly #onUserChanged: UserChanged | undefined;
  #version = 0;

  /** @param onUserChanged told of users that are gone, switched off, or have another password than before */
  constructor(types: CustomTypes, onUserChanged?: UserChanged) {
    this.#types = types;
    this.#onUserChanged = onUserChanged;
  }

  /** Another one with every change of anything. */
  get version(): number {
    return this.#version;
  }

  /** Memberships come from groups: they are no part of when a user was last changed. */
  /** @returns its row */
  putUser(user: UserRow): number {
    this.#version += 1;
    const row = this.#userRow(user.pk);
    const stamp = hashOf(`${user.is_active} ${user.password_change_date}`);
    const otherCredentials = this.users.isListed(row) && this.#stamps[row] !== stamp;
    this.#stamps[row] = stamp;
    const { withStar, byName } = userRecord(user, this.#types);
    this.users.put(row, withStar, byName);
    if (otherCredentials) this.#onUserChanged?.(user.pk, user.is_active);
    return row;
  }

  /** Memberships as the user's row tells them, for directories that do not hold every group. */
  joinGroups(user: UserRow): void {
    this.#version += 1;
    const names = new Map((user.groups_obj ?? []).map(({ pk, name }) => [pk, name]));
    const rows = user.groups.map((pk) => this.#groupRow(pk, names.get(pk)));
    this.memberships.setGroups(this.#userRow(user.pk), rows);
  }

  /** @returns its row */
  putGroup(group: GroupRow): number {
    this.#version += 1;
    const row = this.#groupRow(group.pk);
    const { withStar, byName } = groupRecord(group, this.#types);
    this.groups.put(row, withStar, byName);
    this.#setNumber(row, group.num_pk);
    const usernames = new Map((group.users_obj ?? []).map(({ pk, username }) => [pk, username]));
    this.memberships.setMembers(
      row,
      group.users.map((pk) => this.#userRow(pk, usernames.get(pk))),
    );
    const relatives = [...(group.children_obj ?? []), ...(group.parents_obj ?? [])];
    const names = new Map(relatives.map(({ pk, name }) => [pk, name]));
    const rowsOf = (pks: readonly string[]) => pks.map((pk) => this.#groupRow(pk, names.get(pk)));
    this.nesting.setGroups(row, rowsOf(group.parents));
    if (group.children !== null) this.nesting.setMembers(row, rowsOf(group.children));
    return row;
  }

  removeUser(pk: number): void {
    const row = this.#rowWith(pk);
    if (row === undefined) return;
    this.#version += 1;
    this.memberships.setGroups(row, []);
    this.users.remove(row);
    this.#usersHere.delete(row);
    this.#onUserChanged?.(pk, false);
  }

  removeGroup(pk: string): void {
    const row = this.#groupRows.get(pk);
    if (row === undefined) return;
    this.#version += 1;
    this.memberships.setMembers(row, []);
    this.nesting.setGroups(row, []);
    this.nesting.setMembers(row, []);
    this.groups.remove(row);
    this.#groupRows.delete(pk);
  }

  /** Users who are none of these, by `pk`. */
  *usersBesides(rows: RowSet): Iterable<number> {
    for (const row of this.#usersHere.besides(rows)) yield this.pkOf(row);
  }

  *groupsBesides(rows: RowSet): Iterable<string> {
    for (const [pk, row] of this.#groupRows) if (!rows.has(row)) yield pk;
  }

  /** `undefined` for users without an entry. */
  rowOfUser(pk: number): number | undefined {
    const row = this.#rowWith(pk);
    return row !== undefined && this.users.isListed(row) ? row : undefined;
  }

  pkOf(row: number): number {
    return this.#pks[row] ?? 0;
  }

  /** `num_pk` of a group. */
  numberOf(row: number): number {
    return this.#numbers[row] ?? 0;
  }

  groupsNumbered(number: number): readonly number[] {
    return this.#groupsByNumber.get(number) ?? [];
  }

  #rowWith(pk: number): number | undefined {
    return this.#userRows.find(hashOfPk(pk), (row) => this.#pks[row] === pk && this.#usersHere.has(row));
  }

  #userRow(pk: number, username?: string): number {
    let row = this.#rowWith(pk);
    if (row === undefined) {
      row = this.users.newRow();
      this.#userRows.add(hashOfPk(pk), row);
      this.#usersHere.add(row);
      this.#pks = grown(this.#pks, row + 1);
      this.#stamps = grown(this.#stamps, row + 1);
      this.#pks[row] = pk;
    }
    if (username !== undefined) this.users.mention(row, { type: attribute.cn, values: [username] });
    return row;
  }

  #groupRow(pk: string, name?: string): number {
    let row = this.#groupRows.get(pk);
    if (row === undefined) {
      row = this.groups.newRow();
      this.#groupRows.set(pk, row);
    }
    if (name !== undefined) this.groups.mention(row, { type: attribute.cn, values: [name] });
    return row;
  }

  #setNumber(row: number, number: number): void {
    this.#numbers = grown(this.#numbers, row + 1);
    this.#numbers[row] = number;
    const rows = this.#groupsByNumber.get(number);
    if (rows === undefined) this.#groupsByNumber.set(number, [row]);
    else if (!rows.includes(row)) rows.push(row);
  }
}

/** They come one after another: each has a bucket of its own. */
function hashOfPk(pk: number): number {
  return pk >>> 0;
}
