// The directory as one identity sees it under one provider: all of it, or the user itself with its groups and its virtual
// group (ldap.md §7.3). Making one costs nothing; nothing is copied.
import { type DnKey, dnKey, foldValue, isWithin, parseDn, type Scope } from '@gatehouse/wire/ldap';
import { type AttributeType, attribute } from './attribute-types.ts';
import type { Entry } from './entry.ts';
import { bitOf, fixed, group, type Kinds, kindOf, type Ref, refOf, rowOf, user, virtual } from './kinds.ts';
import type { Layout } from './layout.ts';
import { withGroupsAbove, withGroupsBelow } from './nesting.ts';
import { computedTypes, StoredEntry } from './stored-entry.ts';
import type { Table } from './table.ts';
import { type DirectoryView, isInScope, nearestOf, type Refs, typesNamed } from './view.ts';

/** Which rows a policy lets somebody see. */
export interface RowLimits {
  user(row: number): boolean;
  group(row: number): boolean;
}

type StoredKind = typeof user | typeof group | typeof virtual;
const storedKinds: readonly StoredKind[] = [user, group, virtual];

export class StoredView implements DirectoryView {
  readonly layout: Layout;
  /** Row of the user whose own view it is. */
  readonly self: number | undefined;
  /** Rows that a policy keeps from it; nothing without a policy. */
  readonly limits: RowLimits | undefined;
  readonly #ownGroups: ReadonlySet<number> | undefined;

  constructor(layout: Layout, self?: number, limits?: RowLimits) {
    this.layout = layout;
    this.self = self;
    this.limits = limits;
    this.#ownGroups = self === undefined ? undefined : new Set(layout.directory.memberships.groupsOf(self));
  }

  /** Whether it shows the user of that row. Nobody is kept from himself. */
  shows(userRow: number): boolean {
    if (this.self !== undefined) return this.self === userRow;
    return this.limits === undefined || this.limits.user(userRow);
  }

  showsGroup(groupRow: number): boolean {
    return this.#ownGroups?.has(groupRow) !== false && this.limits?.group(groupRow) !== false;
  }

  find(key: DnKey): Entry | undefined {
    const place = this.layout.fixedPlaces.get(key);
    if (place !== undefined) return this.layout.fixed[place];
    for (const kind of storedKinds) {
      const row = this.#rowNamed(kind, key);
      if (row !== undefined) return this.#isVisible(kind, row) ? new StoredEntry(this, refOf(kind, row)) : undefined;
    }
    return undefined;
  }

  nearest(key: DnKey): Entry | undefined {
    return nearestOf(this, key);
  }

  typesOf(description: string): readonly AttributeType[] {
    return typesNamed(description, (folded) => this.layout.context.types.find(folded));
  }

  entry(ref: Ref): Entry {
    if (kindOf(ref) !== fixed) return new StoredEntry(this, ref);
    const found = this.layout.fixed[rowOf(ref)];
    if (found === undefined) throw new RangeError(`no entry ${ref}`);
    return found;
  }

  probe(): (ref: Ref) => Entry {
    const probe = new StoredEntry(this, refOf(user, 0));
    return (ref) => {
      if (kindOf(ref) === fixed) return this.entry(ref);
      probe.ref = ref;
      return probe;
    };
  }

  all(kinds: Kinds): Refs {
    const parts = storedKinds.filter((kind) => (kinds & bitOf(kind)) !== 0).map((kind) => this.#refs(kind));
    let at = (kinds & bitOf(fixed)) === 0 ? 0 : this.layout.fixed.length;
    const refs = new Uint32Array(parts.reduce((sum, { length }) => sum + length, at));
    for (let place = 0; place < at; place += 1) refs[place] = refOf(fixed, place);
    for (const part of parts) {
      refs.set(part, at);
      at += part.length;
    }
    return refs;
  }

  scope(base: DnKey, scope: Scope): { readonly kinds: Kinds; readonly holds: (ref: Ref) => boolean } {
    let kinds: Kinds = bitOf(fixed);
    for (const kind of storedKinds) if (this.#reaches(kind, base, scope)) kinds |= bitOf(kind);
    const leaf = this.#refOf(base);
    return {
      kinds,
      holds: (ref) => {
        if (kindOf(ref) === fixed) return isInScope(this.layout.fixed[rowOf(ref)]?.key ?? base, base, scope);
        return (kinds & bitOf(kindOf(ref))) !== 0 && (leaf === undefined || leaf === ref);
      },
    };
  }

  kindsWithClass(folded: string): Kinds {
    let kinds: Kinds = bitOf(fixed);
    for (const kind of storedKinds)
      if (this.layout.kinds[kind].classes.some((name) => foldValue(name) === folded)) kinds |= bitOf(kind);
    return kinds;
  }

  withValue(type: AttributeType, value: string, kinds: Kinds): Refs | undefined {
    return this.#gather(kinds, (kind) => this.#rowsWithValue(kind, type, value));
  }

  withPrefix(type: AttributeType, prefix: string, kinds: Kinds): Refs | undefined {
    return this.#gather(kinds, (kind) =>
      this.#look(kind, type, (table) => table.sorted(indexed(type))?.withPrefix(prefix)),
    );
  }

  withTexts(type: AttributeType, texts: readonly string[], kinds: Kinds): Refs | undefined {
    return this.#gather(kinds, (kind) =>
      this.#look(kind, type, (table) => table.signatures(indexed(type))?.rowsWith(texts)),
    );
  }

  within(type: AttributeType, least: string | undefined, most: string | undefined, kinds: Kinds): Refs | undefined {
    const numeric = type.syntax === 'integer' || type.syntax === 'generalizedTime';
    const bound = (value: string | undefined) => (value === undefined || !numeric ? value : Number(value));
    return this.#gather(kinds, (kind) =>
      this.#look(kind, type, (table) => table.sorted(indexed(type))?.within(bound(least), bound(most))),
    );
  }

  having(type: AttributeType, kinds: Kinds): Refs | undefined {
    if (this.self !== undefined || computedTypes.has(type)) return undefined;
    return this.#gather(kinds, (kind) => {
      const found = this.layout.tableOf(kind).having(type);
      return found.values.subarray(0, found.length);
    });
  }

  /** Row of the user or group that a DN names, whether it is shown or not. */
  userRow(key: DnKey): number | undefined {
    return this.#rowNamed(user, key);
  }

  groupRow(key: DnKey): number | undefined {
    return this.#rowNamed(group, key);
  }

  #refs(kind: StoredKind): Uint32Array {
    const isWhole = this.self === undefined && this.limits === undefined;
    if (isWhole) return this.layout.tableOf(kind).rows(refOf(kind, 0));
    return Uint32Array.from(this.#rows(kind), (row) => refOf(kind, row));
  }

  #rows(kind: StoredKind): ArrayLike<number> {
    if (this.self !== undefined && kind !== group) return [this.self];
    const rows = this.self === undefined ? this.layout.tableOf(kind).rows() : [...(this.#ownGroups ?? [])];
    if (this.self === undefined && this.limits === undefined) return rows;
    return Array.from(rows).filter((row) => this.#isVisible(kind, row));
  }

  #isVisible(kind: StoredKind, row: number): boolean {
    if (!this.layout.tableOf(kind).isListed(row)) return false;
    return kind === group ? this.showsGroup(row) : this.shows(row);
  }

  /** Refs of visible rows; `undefined` where one kind cannot tell. All are asked, as asking begins the making of an index. */
  #gather(kinds: Kinds, rowsOf: (kind: StoredKind) => ArrayLike<number> | undefined): Refs | undefined {
    const parts = storedKinds
      .filter((kind) => (kinds & bitOf(kind)) !== 0)
      .map((kind) => ({ kind, rows: this.self === undefined ? rowsOf(kind) : this.#rows(kind) }));
    const refs: Ref[] = [];
    if ((kinds & bitOf(fixed)) !== 0) for (const at of this.layout.fixed.keys()) refs.push(refOf(fixed, at));
    for (const { kind, rows } of parts) {
      if (rows === undefined) return undefined;
      for (let at = 0; at < rows.length; at += 1) {
        const row = rows[at] ?? 0;
        if (this.#isVisible(kind, row)) refs.push(refOf(kind, row));
      }
    }
    return refs;
  }

  #rowsWithValue(kind: StoredKind, type: AttributeType, value: string): readonly number[] | undefined {
    const { directory, context } = this.layout;
    switch (type) {
      case attribute.memberOf:
        return this.#rowsInGroup(kind, value as DnKey); // the normal form of a DN is its key
      case attribute.memberOfTransitive:
        return this.#rowsBelow(kind, value as DnKey);
      case attribute.memberTransitive:
        return this.#rowsAbove(kind, value as DnKey);
      case attribute.member:
      case attribute.uniqueMember:
        return this.#rowsWithMember(kind, value as DnKey);
      case attribute.memberUid:
        return this.#rowsWithMemberUid(kind, value);
      case attribute.uidNumber:
        if (kind === user) return this.#rowsNumbered(value);
        break;
      case attribute.gidNumber:
        if (kind === group)
          return [
            ...directory.groupsNumbered(Number(value) - context.provider.gidStart),
            ...(directory.groups.withValue(type, value) ?? []),
          ];
        return [...this.#rowsNumbered(value), ...(directory.users.withValue(type, value) ?? [])];
      case attribute.entryDN:
      case attribute.structuralObjectClass:
      case attribute.hasSubordinates:
      case attribute.subschemaSubentry:
      case attribute.akSuperuser:
        return undefined;
    }
    if (kind !== virtual) return this.layout.tableOf(kind).withValue(indexed(type), value);
    if (type === attribute.cn || type === attribute.sAMAccountName || type === attribute.uid)
      return directory.users.withValue(indexed(type), value);
    return type === attribute.entryUUID ? undefined : [];
  }

  #rowsNumbered(value: string): number[] {
    const { directory, context } = this.layout;
    const row = directory.rowOfUser(Number(value) - context.provider.uidStart);
    return [...(row === undefined ? [] : [row]), ...(directory.users.withValue(attribute.uidNumber, value) ?? [])];
  }

  #rowsInGroup(kind: StoredKind, key: DnKey): readonly number[] {
    const target = kind === virtual ? undefined : this.groupRow(key);
    if (target === undefined) return [];
    const { memberships, nesting } = this.layout.directory;
    return (kind === user ? memberships : nesting).membersOf(target).toArray();
  }

  #rowsBelow(kind: StoredKind, key: DnKey): readonly number[] {
    const target = kind === virtual ? undefined : this.groupRow(key);
    const groups = target === undefined ? [] : [...withGroupsBelow(this, [target])];
    const { memberships } = this.layout.directory;
    return kind === user ? groups.flatMap((row) => memberships.membersOf(row).toArray()) : groups;
  }

  #rowsAbove(kind: StoredKind, key: DnKey): readonly number[] {
    const direct = this.#rowsWithMember(kind, key);
    return kind === group ? [...withGroupsAbove(this, direct)] : direct;
  }

  #rowsWithMember(kind: StoredKind, key: DnKey): readonly number[] {
    if (kind === user) return [];
    const member = this.userRow(key);
    if (kind === virtual) return member === undefined ? [] : [member];
    if (member !== undefined) return this.layout.directory.memberships.groupsOf(member);
    const child = this.groupRow(key);
    return child === undefined ? [] : this.layout.directory.nesting.groupsOf(child);
  }

  #rowsWithMemberUid(kind: StoredKind, name: string): readonly number[] | undefined {
    if (kind === user) return [];
    const members = this.layout.directory.users.withValue(attribute.cn, name);
    if (members === undefined || kind === virtual) return members;
    return members.flatMap((row) => this.layout.directory.memberships.groupsOf(row));
  }

  /** Rows by an index of the table that holds the kind's values of the type; `undefined` where no table does. */
  #look(
    kind: StoredKind,
    type: AttributeType,
    rowsIn: (table: Table) => Uint32Array | undefined,
  ): Uint32Array | undefined {
    if (computedTypes.has(type)) return undefined;
    if (kind !== virtual) return rowsIn(this.layout.tableOf(kind));
    if (type === attribute.cn || type === attribute.sAMAccountName || type === attribute.uid)
      return rowsIn(this.layout.directory.users);
    return noRows;
  }

  /** Whether entries of the kind can be in scope. */
  #reaches(kind: StoredKind, base: DnKey, scope: Scope): boolean {
    const { key } = this.layout.kinds[kind].container;
    if (base === key) return scope !== 'baseObject';
    if (isWithin(key, base)) return scope === 'wholeSubtree' || scope === 'subordinateSubtree';
    return isWithin(base, key) && (scope === 'baseObject' || scope === 'wholeSubtree');
  }

  /** The entry of a row kind that the base itself names. */
  #refOf(base: DnKey): Ref | undefined {
    for (const kind of storedKinds) {
      const row = this.#rowNamed(kind, base);
      if (row !== undefined) return refOf(kind, row);
    }
    return undefined;
  }

  /** Rows that are only mentioned have a name as well. */
  #rowNamed(kind: StoredKind, key: DnKey): number | undefined {
    const { container } = this.layout.kinds[kind];
    if (!key.startsWith('cn=') || !key.endsWith(container.key)) return undefined;
    const suffix = container.key.length + 1;
    if (key.charCodeAt(key.length - suffix) !== comma) return undefined;
    const raw = key.slice(3, -suffix);
    const name = /[\\,+]/.test(raw) ? nameIn(key, container.key) : raw;
    if (name === undefined) return undefined;
    const table = this.layout.tableOf(kind);
    for (const row of table.withValue(attribute.cn, name) ?? [])
      if (foldValue(this.layout.nameOf(kind, row) ?? '') === name) return row;
    return undefined;
  }
}

const comma = 0x2c;
const noRows = new Uint32Array(0);

/** Types with the values of another share its index. */
function indexed(type: AttributeType): AttributeType {
  return type === attribute.sAMAccountName ? attribute.cn : type;
}

/** The name in a key that needs parsing: exactly one `cn` in front of the container. */
function nameIn(key: DnKey, container: DnKey): string | undefined {
  const [first, ...rest] = parseDn(key);
  return first?.length === 1 && dnKey(rest) === container ? first[0]?.value : undefined;
}
