// Claims of a user for the granted scopes: what the provider's scope mappings compute (core.md §16.3, §17.6).
import type { CoreDeps } from '../deps.ts';
import { RecordObject } from '../expressions/host/record.ts';
import { Converter, toPlain } from '../expressions/run/convert.ts';
import { Dict } from '../expressions/run/values.ts';
import type { FlowRequest } from '../flows/request.ts';
import { type UserRecord, userUid } from '../identity/users.ts';
import { runMapping } from '../mappings/run.ts';
import { deepMerge, isMapping } from '../models/merge.ts';
import type { Client } from './client.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Scopes a client may have: those of its mappings. */
export function scopesOf({ mappings }: Client): string[] {
  return [...new Set(mappings.map(({ scope }) => scope))];
}

/** Unknown scopes are dropped silently; none requested means all (core.md §17.4 step 4). */
export function grantedScopes(client: Client, requested: string): string[] {
  const known = scopesOf(client);
  const wanted = requested.split(' ').filter((scope) => scope !== '');
  return wanted.length === 0 ? known : known.filter((scope) => wanted.includes(scope));
}

export function subjectOf({ installationId }: CoreDeps, { sub_mode }: Client, user: UserRecord): string {
  const uid = userUid(user.id, installationId);
  switch (sub_mode) {
    case 'user_id':
      return String(user.id);
    case 'user_uuid':
      return user.uuid;
    case 'user_email':
      return user.email;
    case 'user_username':
      return user.username;
    case 'user_upn': {
      const upn = user.attributes['upn'];
      return typeof upn === 'string' && upn !== '' ? upn : uid;
    }
    default:
      return uid;
  }
}

export interface ClaimsWanted {
  readonly scopes: readonly string[];
  /** The session that the token is of; mappings see it as `request.context["token"].session_id`. */
  readonly session?: string | undefined;
  readonly request?: FlowRequest;
}

/** Merged in order of scope; a mapping that fails, or gives no mapping, contributes nothing. */
export async function claimsOf(
  deps: CoreDeps,
  client: Client,
  user: UserRecord | undefined,
  { scopes, session, request }: ClaimsWanted,
): Promise<Claims> {
  const wanted = client.mappings.filter(({ scope }) => scopes.includes(scope));
  if (wanted.length === 0) return {};
  const names = { provider: providerObject(client), token: null };
  let claims: Record<string, unknown> = {};
  for (const mapping of wanted) {
    const result = await runMapping(deps, mapping, { user, request, context: contextOf(session), names });
    const given = 'value' in result ? toPlain(result.value) : undefined;
    if (isMapping(given)) claims = deepMerge(claims, given);
  }
  return claims;
}

function contextOf(session: string | undefined): Dict {
  return session === undefined
    ? new Dict()
    : Dict.of([['token', new RecordObject('AccessToken', { session_id: session })]]);
}

function providerObject({ pk, name, client_id, application }: Client) {
  const plain = { pk: application.pbm, name: application.name, slug: application.slug };
  const fields = Object.entries(plain).map(([key, value]) => [key, new Converter().toValue(value)]);
  return new RecordObject(
    'OAuth2Provider',
    { pk, name, client_id, application: new RecordObject('Application', Object.fromEntries(fields), { plain }) },
    { text: name },
  );
}
