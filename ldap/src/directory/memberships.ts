// Who is a direct member of which group, both ways, by row. Eight octets a membership for the way from the user, four for
// the way back.
import { grown, NumberList } from './columns.ts';

export class Memberships {
  /** First node of each user plus one; nodes form a chain in the order in which groups were joined. */
  #heads = new Uint32Array(64);
  #groups = new Uint32Array(64);
  #next = new Uint32Array(64);
  #nodes = 0;
  readonly #freed = new NumberList();
  readonly #members: (NumberList | undefined)[] = [];
  #marks = new Uint32Array(64);

  groupsOf(user: number): number[] {
    const groups: number[] = [];
    for (let node = this.#heads[user] ?? 0; node !== 0; node = this.#next[node - 1] ?? 0)
      groups.push(this.#groups[node - 1] ?? 0);
    return groups;
  }

  /** The list itself, of which the first `length` count. */
  membersOf(group: number): NumberList {
    return this.#members[group] ?? none;
  }

  isMember(user: number, group: number): boolean {
    for (let node = this.#heads[user] ?? 0; node !== 0; node = this.#next[node - 1] ?? 0)
      if (this.#groups[node - 1] === group) return true;
    return false;
  }

  join(user: number, group: number): void {
    if (this.isMember(user, group)) return;
    this.#append(user, group);
    this.#listOf(group).push(user);
  }

  leave(user: number, group: number): void {
    if (this.#unlink(user, group)) this.#listOf(group).remove(user);
  }

  /** Makes these the groups of a user, in this order if they differ at all. */
  setGroups(user: number, groups: readonly number[]): void {
    const before = this.groupsOf(user);
    if (before.length === groups.length && before.every((group, at) => group === groups[at])) return;
    const kept = new Set(groups);
    for (const group of before) if (!kept.has(group)) this.leave(user, group);
    for (const group of before) this.#unlink(user, group);
    const known = new Set(before);
    for (const group of kept) {
      this.#append(user, group);
      if (!known.has(group)) this.#listOf(group).push(user);
    }
  }

  /** Makes these the members of a group. Linear in both lists. */
  setMembers(group: number, users: readonly number[]): void {
    const list = this.#listOf(group);
    for (const user of users) this.#marks = grown(this.#marks, user + 1);
    const gone: number[] = [];
    for (const user of users) this.#marks[user] = 1;
    for (let at = 0; at < list.length; at += 1) {
      const user = list.values[at] ?? 0;
      if (this.#marks[user] === 1) this.#marks[user] = 2;
      else gone.push(user);
    }
    const fresh = users.filter((user) => this.#marks[user] === 1);
    for (const user of users) this.#marks[user] = 0;
    for (const user of gone) this.#unlink(user, group);
    if (gone.length > 0) list.removeAll(new Set(gone));
    for (const user of fresh) this.join(user, group);
  }

  #listOf(group: number): NumberList {
    const known = this.#members[group];
    if (known !== undefined) return known;
    const made = new NumberList();
    this.#members[group] = made;
    return made;
  }

  #append(user: number, group: number): void {
    this.#heads = grown(this.#heads, user + 1);
    const node = this.#newNode(group) + 1;
    let last = this.#heads[user] ?? 0;
    if (last === 0) {
      this.#heads[user] = node;
      return;
    }
    for (let after = this.#next[last - 1] ?? 0; after !== 0; after = this.#next[last - 1] ?? 0) last = after;
    this.#next[last - 1] = node;
  }

  #newNode(group: number): number {
    const freed = this.#freed;
    let node = this.#nodes;
    if (freed.length > 0) {
      freed.length -= 1;
      node = freed.values[freed.length] ?? 0;
    } else this.#nodes += 1;
    this.#groups = grown(this.#groups, node + 1);
    this.#next = grown(this.#next, node + 1);
    this.#groups[node] = group;
    this.#next[node] = 0;
    return node;
  }

  #unlink(user: number, group: number): boolean {
    let before = 0;
    for (let node = this.#heads[user] ?? 0; node !== 0; node = this.#next[node - 1] ?? 0) {
      if (this.#groups[node - 1] === group) {
        const after = this.#next[node - 1] ?? 0;
        if (before === 0) this.#heads[user] = after;
        else this.#next[before - 1] = after;
        this.#freed.push(node - 1);
        return true;
      }
      before = node;
    }
    return false;
  }
}

const none = new NumberList();
