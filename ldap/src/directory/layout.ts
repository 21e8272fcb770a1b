// How one provider shows the directory: its own entries, names of entries below its containers, and the octets that repeat in
// every answer, made once.
import { element, octetString } from '@gatehouse/wire/ber';
import type { DnKey } from '@gatehouse/wire/ldap';
import type { CustomTypes } from '../mapping/custom-attributes.ts';
import { groupClasses } from '../mapping/group.ts';
import { userClasses, virtualClasses } from '../mapping/user.ts';
import { entryDn, type NamedDn, type Provider } from '../providers/provider.ts';
import { type AttributeType, attribute } from './attribute-types.ts';
import type { Directory } from './directory.ts';
import type { Entry, EntryAttribute } from './entry.ts';
import { containerEntries, domainEntry, type ServerFacts } from './fixed-entries.ts';
import { group, type KindCode, user, virtual } from './kinds.ts';
import { encodedName } from './records.ts';
import type { Table } from './table.ts';

export interface ViewContext {
  readonly provider: Provider;
  readonly types: CustomTypes;
  readonly facts: ServerFacts;
}

/** Of one kind of entries. */
export interface KindLayout {
  readonly container: NamedDn;
  readonly classes: readonly string[];
  /** What all entries of the kind have in common, to be asked for by name. */
  readonly constants: readonly EntryAttribute[];
  /** The object classes as an attribute. */
  readonly classesBytes: Buffer;
  readonly constantBytes: ReadonlyMap<AttributeType, Buffer>;
  /** `,ou=users,dc=…` */
  readonly suffix: Buffer;
}

let layouts = 0;

export class Layout {
  /** No other has the same. */
  readonly id: number;
  readonly directory: Directory;
  readonly context: ViewContext;
  /** Domain, then the three containers. */
  readonly fixed: readonly Entry[];
  readonly fixedPlaces: ReadonlyMap<DnKey, number>;
  readonly kinds: Readonly<Record<typeof user | typeof group | typeof virtual, KindLayout>>;
  readonly #groupDns: ({ readonly name: string; readonly bytes: Buffer } | undefined)[] = [];

  constructor(directory: Directory, context: ViewContext) {
    const { provider, facts } = context;
    layouts += 1;
    this.id = layouts;
    this.directory = directory;
    this.context = context;
    this.fixed = [domainEntry(provider, facts), ...containerEntries(provider)];
    this.fixedPlaces = new Map(this.fixed.map(({ key }, at) => [key, at]));
    this.kinds = {
      [user]: kindLayout(provider.users, userClasses, 'inetOrgPerson'),
      [group]: kindLayout(provider.groups, groupClasses, 'groupOfNames'),
      [virtual]: kindLayout(provider.virtualGroups, virtualClasses, 'groupOfNames'),
    };
  }

  tableOf(kind: KindCode): Table {
    return kind === group ? this.directory.groups : this.directory.users;
  }

  /** `undefined` for a row of which not even the name is known. */
  nameOf(kind: KindCode, row: number): string | undefined {
    return this.tableOf(kind).records.firstValue(row, attribute.cn);
  }

  /** DNs of rows, of those that have a name. */
  dnsOf(kind: typeof user | typeof group, rows: readonly number[]): string[] {
    const dns: string[] = [];
    for (const row of rows) {
      const name = this.nameOf(kind, row);
      if (name !== undefined) dns.push(entryDn(name, this.kinds[kind].container));
    }
    return dns;
  }

  /** The DN of a group as an element, empty for one without a name; kept, since users have the same groups over and over. */
  groupDnBytes(row: number): Buffer {
    const name = this.nameOf(group, row);
    if (name === undefined) return nothing;
    const kept = this.#groupDns[row];
    if (kept?.name === name) return kept.bytes;
    const bytes = octetString(entryDn(name, this.kinds[group].container));
    this.#groupDns[row] = { name, bytes };
    return bytes;
  }

  uidNumberOf(row: number): string {
    const own = this.directory.users.records.firstValue(row, attribute.uidNumber);
    return own ?? String(this.context.provider.uidStart + this.directory.pkOf(row));
  }

  gidNumberOf(kind: KindCode, row: number): string {
    const own = this.tableOf(kind).records.firstValue(row, attribute.gidNumber);
    if (own !== undefined) return own;
    return kind === group
      ? String(this.context.provider.gidStart + this.directory.numberOf(row))
      : this.uidNumberOf(row);
  }
}

const nothing = Buffer.alloc(0);

function kindLayout(container: NamedDn, classes: readonly string[], structural: string): KindLayout {
  const constants: EntryAttribute[] = [
    { type: attribute.structuralObjectClass, values: [structural] },
    { type: attribute.hasSubordinates, values: ['FALSE'] },
    { type: attribute.subschemaSubentry, values: ['cn=subschema'] },
  ];
  return {
    container,
    classes,
    constants,
    classesBytes: encodeAttribute({ type: attribute.objectClass, values: classes }),
    constantBytes: new Map(constants.map((one) => [one.type, encodeAttribute(one)])),
    suffix: Buffer.from(`,${container.dn}`, 'utf8'),
  };
}

/** PartialAttribute (RFC 4511 §4.1.7). */
export function encodeAttribute({ type, values }: EntryAttribute): Buffer {
  return element(0x30, encodedName(type), element(0x31, ...values.map((value) => octetString(value))));
}
