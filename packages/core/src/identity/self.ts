// `/core/users/me/`: what somebody may know of himself (core.md §11.2).

import { sql } from 'kysely';
import { z } from 'zod';
import { anything, named, names } from '../api/answers.ts';
import { requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import type { Principal } from './permissions.ts';
import { rolesOfUsers } from './roles.ts';
import { avatarOf, userUid } from './users.ts';

/** Who asks. */
export const selfShape = z.object({
  user: z.object({
    pk: z.int(),
    username: z.string(),
    name: z.string(),
    is_active: z.boolean(),
    is_superuser: z.boolean(),
    groups: z.array(named),
    roles: z.array(named),
    email: z.string(),
    avatar: z.string(),
    uid: z.string(),
    settings: anything,
    type: z.string(),
    system_permissions: names,
  }),
});

export function registerSelfRoute(api: Api, deps: CoreDeps): void {
  api.get(
    '/api/v3/core/users/me/',
    { config: { operation: { summary: 'Who asks; renews the session', answer: selfShape } } },
    async (request, reply) => {
      const principal = requirePrincipal(request);
      const { session } = request.caller;
      if (session !== undefined && principal.via === 'session') await saveSession(deps, request, reply, session);
      return { user: await describeSelf(deps, principal) };
    },
  );
}

async function describeSelf(deps: CoreDeps, { user, isSuperuser, grants }: Principal) {
  const { rows: groups } = await sql<{ uuid: string; name: string }>`select uuid, name from groups
    where uuid in (select groups_of_user(${user.id})) order by name`.execute(deps.database.kysely);
  const roles = await rolesOfUsers(deps, [user.id]);
  return {
    pk: user.id,
    username: user.username,
    name: user.name,
    is_active: user.is_active,
    is_superuser: isSuperuser,
    groups: groups.map(({ uuid, name }) => ({ name, pk: uuid })),
    roles: (roles.get(user.id) ?? []).map(({ pk, name }) => ({ name, pk })),
    email: user.email,
    avatar: avatarOf(user),
    uid: userUid(user.id, deps.installationId),
    settings: settingsOf(user.attributes),
    type: user.type,
    system_permissions: [...grants].filter((grant) => !grant.includes(':')),
  };
}

function settingsOf(attributes: Readonly<Record<string, unknown>>): unknown {
  const settings = attributes['settings'];
  return typeof settings === 'object' && settings !== null ? settings : {};
}
