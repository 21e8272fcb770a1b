// A user, group or virtual group of the directory as an entry, read from its row when asked (ldap.md §9.5, §9.6).
import { type DnKey, dnKeyOf } from '@gatehouse/wire/ldap';
import { virtualUuid } from '../mapping/user.ts';
import { entryDn } from '../providers/provider.ts';
import { type AttributeType, attribute } from './attribute-types.ts';
import type { Entry, EntryKind } from './entry.ts';
import { group, kindNames, kindOf, type Ref, rowOf, user, virtual } from './kinds.ts';
import type { Layout } from './layout.ts';
import { withGroupsAbove, withGroupsBelow } from './nesting.ts';
import type { StoredView } from './stored-view.ts';

const none: readonly string[] = [];

export class StoredEntry implements Entry {
  readonly view: StoredView;
  ref: Ref;

  constructor(view: StoredView, ref: Ref) {
    this.view = view;
    this.ref = ref;
  }

  get code(): typeof user | typeof group | typeof virtual {
    return kindOf(this.ref) as typeof user | typeof group | typeof virtual; // the view makes these of no other kind
  }

  get row(): number {
    return rowOf(this.ref);
  }

  get layout(): Layout {
    return this.view.layout;
  }

  /** False once the core has let go of it. */
  get isThere(): boolean {
    return this.layout.tableOf(this.code).isListed(this.row);
  }

  get kind(): EntryKind {
    return kindNames[this.code];
  }

  get name(): string {
    return this.layout.nameOf(this.code, this.row) ?? '';
  }

  get dn(): string {
    return entryDn(this.name, this.layout.kinds[this.code].container);
  }

  get key(): DnKey {
    const { dn } = this;
    return dnKeyOf(dn) ?? (dn.toLowerCase() as DnKey); // names made by us always parse
  }

  get userPk(): number | undefined {
    return this.code === user || this.code === virtual ? this.layout.directory.pkOf(this.row) : undefined;
  }

  get types(): readonly AttributeType[] {
    const stored =
      this.code === virtual ? ofVirtualGroups : this.layout.tableOf(this.code).records.shapeOf(this.row).types;
    return [...new Set([attribute.objectClass, ...stored, ...computed[this.code]])];
  }

  /** Rows of direct members, as far as the view shows them. */
  memberRows(): readonly number[] {
    const { view } = this;
    if (view.self !== undefined) return [view.self];
    const rows = this.layout.directory.memberships.membersOf(this.row).toArray();
    return view.limits === undefined ? rows : rows.filter((row) => view.shows(row));
  }

  childRows(): readonly number[] {
    return this.view.self === undefined
      ? this.#shownGroups(this.layout.directory.nesting.membersOf(this.row).toArray())
      : [];
  }

  /** Rows of the groups that it is in directly, as far as the view shows them. */
  groupRows(): readonly number[] {
    const { memberships, nesting } = this.layout.directory;
    return this.code === virtual
      ? []
      : this.#shownGroups((this.code === user ? memberships : nesting).groupsOf(this.row));
  }

  /** Rows of all groups that it is in, by way of groups in groups as well. */
  allGroupRows(): readonly number[] {
    const rows = [...withGroupsAbove(this.view, this.groupRows())];
    return this.code === group ? rows.filter((row) => row !== this.row) : rows;
  }

  #shownGroups(rows: readonly number[]): readonly number[] {
    const { view } = this;
    return view.limits === undefined ? rows : rows.filter((row) => view.showsGroup(row));
  }

  values(type: AttributeType): readonly string[] {
    switch (type) {
      case attribute.objectClass:
        return this.layout.kinds[this.code].classes;
      case attribute.entryDN:
        return [this.dn];
      case attribute.gidNumber:
        return [this.layout.gidNumberOf(this.code, this.row)];
      case attribute.structuralObjectClass:
      case attribute.hasSubordinates:
      case attribute.subschemaSubentry:
        return this.layout.kinds[this.code].constants.find((one) => one.type === type)?.values ?? none;
    }
    if (this.code === user) return this.#userValues(type);
    return this.code === virtual ? this.#virtualValues(type) : this.#groupValues(type);
  }

  has(type: AttributeType): boolean {
    if (type === attribute.memberOf)
      return this.groupRows().some((row) => this.layout.nameOf(group, row) !== undefined);
    if (this.code === virtual || computedTypes.has(type)) return this.values(type).length > 0;
    const shape = this.layout.tableOf(this.code).records.shapeOf(this.row);
    return shape.filled[shape.placeOf(type)] === true;
  }

  refersTo(type: AttributeType, key: DnKey): boolean | undefined {
    if (type === attribute.memberOfTransitive || type === attribute.memberTransitive)
      return this.#refersByGroups(type, key);
    if (type !== attribute.memberOf && type !== attribute.member && type !== attribute.uniqueMember) return undefined;
    const { view, row, code } = this;
    const { memberships, nesting } = this.layout.directory;
    if (type === attribute.memberOf) {
      const target = view.groupRow(key);
      if (target === undefined || code === virtual || !view.showsGroup(target)) return false;
      return (code === user ? memberships : nesting).isMember(row, target);
    }
    const member = code === user ? undefined : view.userRow(key);
    if (code === virtual) return member === row;
    if (member !== undefined) return code === group && view.shows(member) && memberships.isMember(member, row);
    const child = code === group && view.self === undefined ? view.groupRow(key) : undefined;
    return child !== undefined && view.showsGroup(child) && nesting.isMember(child, row);
  }

  #refersByGroups(type: AttributeType, key: DnKey): boolean {
    const { view, row, code } = this;
    const { memberships, nesting } = this.layout.directory;
    if (type === attribute.memberOfTransitive) {
      const target = view.groupRow(key);
      return target !== undefined && this.allGroupRows().includes(target);
    }
    const member = code === user ? undefined : view.userRow(key);
    if (code === virtual) return member === row;
    if (code !== group) return false;
    if (member !== undefined) return view.shows(member) && withGroupsAbove(view, memberships.groupsOf(member)).has(row);
    const child = view.self === undefined ? view.groupRow(key) : undefined;
    if (child === undefined || child === row || !view.showsGroup(child)) return false;
    return withGroupsAbove(view, nesting.groupsOf(child)).has(row);
  }

  #userValues(type: AttributeType): readonly string[] {
    const { layout, row } = this;
    if (type === attribute.memberOf) return layout.dnsOf(group, this.groupRows());
    if (type === attribute.memberOfTransitive) return layout.dnsOf(group, this.allGroupRows());
    if (type === attribute.uidNumber) return [layout.uidNumberOf(row)];
    return layout.directory.users.records.values(row, type);
  }

  #virtualValues(type: AttributeType): readonly string[] {
    const { layout, row } = this;
    switch (type) {
      case attribute.cn:
      case attribute.sAMAccountName:
      case attribute.memberUid:
        return [this.name];
      case attribute.member:
      case attribute.uniqueMember:
      case attribute.memberTransitive:
        return [entryDn(this.name, layout.context.provider.users)];
      case attribute.uid:
        return layout.directory.users.records.values(row, attribute.uid);
      case attribute.akSuperuser:
        return ['false'];
      case attribute.entryUUID:
        return layout.directory.users.records.values(row, type).map(virtualUuid);
      default:
        return none;
    }
  }

  #groupValues(type: AttributeType): readonly string[] {
    const { layout, row } = this;
    switch (type) {
      case attribute.member:
      case attribute.uniqueMember:
        return [...layout.dnsOf(user, this.memberRows()), ...layout.dnsOf(group, this.childRows())];
      case attribute.memberUid:
        return this.memberRows().flatMap((member) => layout.nameOf(user, member) ?? []);
      case attribute.memberOf:
        return layout.dnsOf(group, this.groupRows());
      case attribute.memberOfTransitive:
        return layout.dnsOf(group, this.allGroupRows());
      case attribute.memberTransitive:
        return this.#allMembers();
      default:
        return layout.directory.groups.records.values(row, type);
    }
  }

  /** Users and groups below it, at any depth. */
  #allMembers(): readonly string[] {
    const { layout, view, row } = this;
    const groups = [...withGroupsBelow(view, [row])];
    const members = new Set(groups.flatMap((one) => layout.directory.memberships.membersOf(one).toArray()));
    const users = [...members].filter((member) => view.shows(member));
    const children = view.self === undefined ? groups.filter((one) => one !== row) : [];
    return [...layout.dnsOf(user, users), ...layout.dnsOf(group, children)];
  }
}

const operational = [
  attribute.entryDN,
  attribute.structuralObjectClass,
  attribute.hasSubordinates,
  attribute.subschemaSubentry,
] as const;
const ofVirtualGroups = [attribute.cn, attribute.sAMAccountName, attribute.uid, attribute.akSuperuser] as const;
/** What is not stored, in the order in which it is sent. */
const computed = {
  [user]: [attribute.uidNumber, attribute.gidNumber, attribute.memberOf, ...operational, attribute.memberOfTransitive],
  [group]: [
    attribute.gidNumber,
    attribute.member,
    attribute.memberOf,
    attribute.uniqueMember,
    attribute.memberUid,
    ...operational,
    attribute.memberTransitive,
    attribute.memberOfTransitive,
  ],
  [virtual]: [
    attribute.gidNumber,
    attribute.member,
    attribute.memberOf,
    attribute.uniqueMember,
    attribute.memberUid,
    attribute.entryUUID,
    ...operational,
    attribute.memberTransitive,
  ],
} as const;

/** Types that are not, or not only, in the records. */
export const computedTypes: ReadonlySet<AttributeType> = new Set<AttributeType>([
  attribute.objectClass,
  ...computed[user],
  ...computed[group],
]);
