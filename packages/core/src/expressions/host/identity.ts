// Users and groups as expressions see them (core.md §16.1): by a list of attributes, never by the row.
import { type Entitlement, entitlementsOf } from '../../applications/entitlements.ts';
import { brandOfHost } from '../../brands/current.ts';
import type { CoreDeps } from '../../deps.ts';
import { effectiveAttributes } from '../../identity/effective-attributes.ts';
import { isUsable } from '../../identity/passwords/encoded.ts';
import {
  anonymousUsername,
  avatarOf,
  type GroupRecord,
  groupNumber,
  groupsOf,
  isSuperuser,
  type UserRecord,
  userUid,
} from '../../identity/users.ts';
import { moment } from '../modules/datetime.ts';
import { Converter, toPlain } from '../run/convert.ts';
import { HostObject, Native, type Value } from '../run/values.ts';
import { RecordObject } from './record.ts';
import { Rows } from './rows.ts';

/** A user that exists, one that is only a name, or nobody. */
export type UserSource = UserRecord | { readonly pk: number } | { readonly username: string } | undefined;

export class UserObject extends HostObject {
  readonly typeName = 'User';
  readonly #deps: CoreDeps;
  readonly #source: UserSource;
  readonly #host: string | undefined;
  readonly #backend: string | undefined;
  #record: Promise<UserRecord | undefined> | undefined;
  #attributes: Value | undefined;

  /** @param backend which has found his password right in this flow; without one there is no such attribute */
  constructor(deps: CoreDeps, source: UserSource, host?: string, backend?: string) {
    super();
    this.#deps = deps;
    this.#source = source;
    this.#host = host;
    this.#backend = backend;
  }

  get(name: string): Value | Promise<Value> | undefined {
    if (name === 'backend') return this.#backend;
    const known = Object.hasOwn(userAttributes, name) ? userAttributes[name] : undefined;
    if (known === undefined) return undefined;
    if (this.#source === undefined || ('username' in this.#source && !('id' in this.#source)))
      return nobody(this.#source?.username ?? anonymousUsername, name);
    if ('id' in this.#source) return known(this.#source, this.#deps, this);
    return this.record().then((record) =>
      record === undefined ? nobody(anonymousUsername, name) : known(record, this.#deps, this),
    );
  }

  /** The row; `undefined` for users who are gone, and for nobody. */
  record(): Promise<UserRecord | undefined> {
    const source = this.#source;
    this.#record ??= (async () => {
      if (source === undefined) return undefined;
      if ('id' in source) return source;
      if (!('pk' in source)) return undefined;
      return this.#deps.database.kysely.selectFrom('users').selectAll().where('id', '=', source.pk).executeTakeFirst();
    })();
    return this.#record;
  }

  /** One mapping for all looks, so that it can be compared and changed within the expression. */
  attributes(record: UserRecord): Value {
    this.#attributes ??= new Converter().toValue(record.attributes);
    return this.#attributes;
  }

  get host(): string | undefined {
    return this.#host;
  }

  override text(): string {
    if (this.#source === undefined) return anonymousUsername;
    return 'username' in this.#source ? this.#source.username : `User ${this.#source.pk}`;
  }
  override identity(): string | undefined {
    const plain = this.plain();
    return plain === null ? 'user nobody' : `user ${JSON.stringify(plain)}`;
  }
  override isStorable(): boolean {
    return true;
  }
  override plain(): unknown {
    if (this.#source === undefined) return null;
    if ('id' in this.#source) return { pk: this.#source.id };
    return this.#source;
  }
}

type UserAttribute = (user: UserRecord, deps: CoreDeps, self: UserObject) => Value | Promise<Value>;

const method = (name: string, call: Native['call']) => new Native(name, call);

const directGroups: UserAttribute = ({ id }, deps) =>
  new Rows(async () => ((await groupsOf(deps, [id])).get(id) ?? []).map((group) => new GroupObject(deps, group)));

const userAttributes: Readonly<Record<string, UserAttribute>> = {
  pk: ({ id }) => id,
  id: ({ id }) => id,
  uuid: ({ uuid }) => uuid,
  uid: ({ id }, { installationId }) => userUid(id, installationId),
  username: ({ username }) => username,
  name: ({ name }) => name,
  email: ({ email }) => email,
  is_active: ({ is_active }) => is_active,
  is_superuser: ({ id }, deps) => isSuperuser(deps, id),
  is_authenticated: () => true,
  is_anonymous: () => false,
  path: ({ path }) => path,
  type: ({ type }) => type,
  attributes: (user, _deps, self) => self.attributes(user),
  avatar: (user) => avatarOf(user),
  last_login: ({ last_login }) => (last_login === null ? null : moment(last_login)),
  date_joined: ({ date_joined }) => moment(date_joined),
  password_change_date: ({ password_change_date }) => moment(password_change_date),
  groups: directGroups,
  ak_groups: directGroups,
  all_groups: ({ id }, deps) => method('all_groups', () => new Rows(() => allGroups(deps, id))),
  app_entitlements: ({ id }, deps) =>
    method('app_entitlements', ({ args: [application] }) => {
      const plain = toPlain(application ?? null);
      const pk: unknown = typeof plain === 'object' && plain !== null ? Reflect.get(plain, 'pk') : undefined;
      if (typeof pk !== 'string') return new Rows(async () => []);
      return new Rows(async () => (await entitlementsOf(deps, id, pk)).map(entitlementObject));
    }),
  group_attributes: (user, deps, self) =>
    method('group_attributes', async () => {
      const brand = self.host === undefined ? undefined : await brandOfHost(deps, self.host);
      return new Converter().toValue(await effectiveAttributes(deps, user, brand?.attributes));
    }),
  has_usable_password: ({ password }) => method('has_usable_password', () => isUsable(password)),
  locale: ({ attributes }) =>
    method('locale', () => {
      const settings = attributes['settings'];
      const locale: unknown = typeof settings === 'object' && settings !== null ? Reflect.get(settings, 'locale') : '';
      return typeof locale === 'string' ? locale : '';
    }),
};

function entitlementObject({ pbm_uuid, name, attributes }: Entitlement): Value {
  const values = { pk: pbm_uuid, name, attributes: new Converter().toValue(attributes) };
  return new RecordObject('ApplicationEntitlement', values, { text: name, plain: { pk: pbm_uuid, name } });
}

function nobody(username: string, name: string): Value {
  const values: Readonly<Record<string, Value>> = {
    username,
    name: '',
    email: '',
    is_active: false,
    is_superuser: false,
    is_authenticated: false,
    is_anonymous: true,
    path: '',
    type: 'internal',
  };
  const empty = new Rows(async () => []);
  if (Object.hasOwn(values, name)) return values[name] ?? null;
  if (name === 'groups' || name === 'ak_groups') return empty;
  if (name === 'all_groups' || name === 'app_entitlements') return method(name, () => empty);
  if (name === 'attributes') return new Converter().toValue({});
  if (name === 'group_attributes') return method(name, () => new Converter().toValue({}));
  if (name === 'has_usable_password') return method(name, () => false);
  return name === 'locale' ? method(name, () => '') : null;
}

async function allGroups(deps: CoreDeps, user: number): Promise<Value[]> {
  const rows = await deps.database.kysely
    .selectFrom('memberships')
    .innerJoin('group_ancestry', 'group_ancestry.descendant', 'memberships.group_uuid')
    .innerJoin('groups', 'groups.uuid', 'group_ancestry.ancestor')
    .selectAll('groups')
    .distinctOn(['groups.name', 'groups.uuid'])
    .where('memberships.user_id', '=', user)
    .orderBy('groups.name')
    .orderBy('groups.uuid')
    .execute();
  return rows.map((group) => new GroupObject(deps, group));
}

export class GroupObject extends HostObject {
  readonly typeName = 'Group';
  readonly #deps: CoreDeps;
  readonly #group: GroupRecord;

  constructor(deps: CoreDeps, group: GroupRecord) {
    super();
    this.#deps = deps;
    this.#group = group;
  }

  get(name: string): Value | undefined {
    const { uuid, name: title, is_superuser, attributes } = this.#group;
    switch (name) {
      case 'pk':
      case 'uuid':
      case 'group_uuid':
        return uuid;
      case 'name':
        return title;
      case 'num_pk':
        return groupNumber(uuid);
      case 'is_superuser':
        return is_superuser;
      case 'attributes':
        return new Converter().toValue(attributes);
      case 'parents':
        return new Rows(() => this.#parents());
      default:
        return undefined;
    }
  }

  async #parents(): Promise<Value[]> {
    const rows = await this.#deps.database.kysely
      .selectFrom('group_parents')
      .innerJoin('groups', 'groups.uuid', 'group_parents.parent')
      .selectAll('groups')
      .where('group_parents.child', '=', this.#group.uuid)
      .orderBy('groups.name')
      .execute();
    return rows.map((group) => new GroupObject(this.#deps, group));
  }

  override text(): string {
    return this.#group.name;
  }
  override identity(): string {
    return `group ${this.#group.uuid}`;
  }
  override isStorable(): boolean {
    return true;
  }
  override plain(): unknown {
    return { pk: this.#group.uuid };
  }
}
