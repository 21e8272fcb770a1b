// Twins of the shipped scope mappings (core.md §16.3).
import { Dict, HostObject, List, type Value } from '../run/values.ts';
import { ask, attribute, longestList, requestUser, type Seen, type Twin } from './twin.ts';

/** `openid`, `offline_access`, `goauthentik.io/api`: being granted is all they are for. */
export const nothing: Twin = () => new Dict();

export const email: Twin = async (seen) => {
  const address = await attribute(await requestUser(seen), 'email');
  return record({ email: address, email_verified: false });
};

export const profile: Twin = async (seen) => {
  const user = await requestUser(seen);
  const [name, username] = [await attribute(user, 'name'), await attribute(user, 'username')];
  const groups = await namesOf(await attribute(user, 'groups'));
  return record({ name, given_name: name, preferred_username: username, nickname: username, groups });
};

export const entitlements: Twin = async (seen) => {
  const application = await attribute(seen.call.names['provider'], 'application');
  if (application === undefined) return undefined;
  const names = await namesOf(await ask(seen, await requestUser(seen), 'app_entitlements', application));
  return record({ entitlements: names, roles: names });
};

export const proxy: Twin = async (seen) => {
  const inner = await proxyClaims(seen);
  return record({ ak_proxy: inner });
};

async function proxyClaims(seen: Seen): Promise<Dict | undefined> {
  const user = await requestUser(seen);
  const { request } = seen.call.names;
  if (request === undefined) return undefined;
  const user_attributes = await ask(seen, user, 'group_attributes', request);
  return record({ user_attributes, is_superuser: await attribute(user, 'is_superuser') });
}

/** `[one.name for one in rows]` */
async function namesOf(rows: Value | undefined): Promise<List | undefined> {
  const members = rows instanceof HostObject ? await rows.iterate() : undefined;
  if (members === undefined || members.length > longestList) return undefined;
  const names: Value[] = [];
  for (const one of members) {
    const name = await attribute(one, 'name');
    if (name === undefined) return undefined;
    names.push(name);
  }
  return new List(names);
}

/** A mapping in this order; `undefined` if anything in it is. */
function record(values: Readonly<Record<string, Value | undefined>>): Dict | undefined {
  const dict = new Dict();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) return undefined;
    dict.set(name, value);
  }
  return dict;
}
