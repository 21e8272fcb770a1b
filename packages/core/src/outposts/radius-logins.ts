// Logins that a RADIUS outpost proves itself, because no flow can: MS-CHAPv2 against a generated Wi-Fi secret, and client
// certificates that it has checked against its own authority. Both are off until the provider says otherwise; the outpost
// gets hashes of secrets, asserts who has logged in, and the core decides about access. The session that comes of it has no
// cookie: its name serves to end it (Disconnect), never to act as the user.

import { ntHash } from '@gatehouse/wire/mschap';
import { z } from 'zod';
import { named } from '../api/answers.ts';
import { noCredentials, noPermission, notFound } from '../api/failure.ts';
import { type ApiRequest, bodyOf, keyParameter, queryOf } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { mayUseApplication } from '../applications/access.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { may } from '../identity/permissions.ts';
import { anonymousUsername, groupsOf, type UserRecord } from '../identity/users.ts';
import { wifiSecretsOf } from '../identity/wifi-secrets.ts';
import { radiusReply } from '../mappings/radius.ts';
import { invalidField, message } from '../models/invalid.ts';
import type { Row } from '../models/model.ts';
import { fieldValue } from '../models/represent.ts';
import { radiusProviderModel } from '../providers/models.ts';
import { radiusAccessShape } from './answers.ts';

/** Secrets of users for networks that need them. */
export const wifiSecretsShape = z.object({ secrets: z.array(z.object({ pk: z.string(), nt_hash: z.string() })) });

/** What a login that an outpost has judged itself leads to. */
export const radiusLoginShape = radiusAccessShape.extend({
  user: z
    .object({ pk: z.int(), username: z.string(), groups: z.array(named) })
    .nullable()
    .optional(),
  session: z.object({ id: z.string() }).optional(),
});

export const viewWifiSecret = 'authentik_providers_radius.view_wifi_secret';
export const assertLogin = 'authentik_providers_radius.assert_login';

/** Which switch of the provider allows which proof. */
const switchOf = { wifi_secret: 'wifi_secrets', certificate: 'local_certificates' } as const;

const assertion = z.object({
  username: z.string().min(1),
  method: z.enum(['wifi_secret', 'certificate']),
  /** Which secret was proved. */
  wifi_secret: z.uuid().optional(),
});

const prefix = '/api/v3/outposts/radius/:key';

export function registerRadiusLogins(api: Api, deps: CoreDeps): void {
  const about = (summary: string, answer: z.ZodType) => ({ config: { operation: { summary, answer } } });
  api.get(`${prefix}/wifi_secrets/`, about('Hashes of Wi-Fi secrets', wifiSecretsShape), async (request) => {
    await grantedProvider(deps, request, viewWifiSecret, 'wifi_secret');
    const user = await activeUser(deps, queryOf(request).get('username') ?? '');
    const secrets = user === undefined ? [] : await wifiSecretsOf(deps, user.id);
    return { secrets: secrets.map(({ uuid, key }) => ({ pk: uuid, nt_hash: ntHash(key).toString('hex') })) };
  });
  api.get(`${prefix}/explain/`, about('What somebody would get', radiusLoginShape), async (request) => {
    const provider = await grantedProvider(deps, request, assertLogin, undefined);
    const user = await activeUser(deps, queryOf(request).get('username') ?? '');
    if (user === undefined || !(await mayUse(deps, provider, user))) return { ...denied, user: null };
    return { access: passed, attributes: await radiusReply(deps, provider, user), user: await shown(deps, user) };
  });
  const asserting = { summary: 'Somebody has logged in', body: assertion, answer: radiusLoginShape };
  api.post(`${prefix}/assert_login/`, { config: { operation: asserting } }, async (request) => {
    const given = assertion.safeParse(bodyOf(request));
    if (!given.success) throw invalidField(String(given.error.issues[0]?.path[0] ?? 'username'), message.required);
    const provider = await grantedProvider(deps, request, assertLogin, given.data.method);
    return assertFor(deps, provider, given.data, request);
  });
}

/** The provider of the URL, for a caller with this grant on it, if it allows the proof. @throws ApiFailure 401, 403, 404 */
async function grantedProvider(
  { database }: CoreDeps,
  request: ApiRequest,
  permission: string,
  method: keyof typeof switchOf | undefined,
): Promise<Row> {
  const caller = request.caller.principal;
  if (caller === undefined) throw noCredentials();
  const key = keyParameter(request);
  if (!may(caller, permission, key)) throw noPermission();
  const provider = /^\d{1,9}$/.test(key)
    ? await database.kysely
        .selectFrom('providers')
        .selectAll()
        .where('id', '=', Number(key))
        .where('kind', '=', radiusProviderModel.id)
        .executeTakeFirst()
    : undefined;
  if (provider === undefined) throw notFound(radiusProviderModel.noun);
  if (method !== undefined && fieldValue(radiusProviderModel, provider, switchOf[method]) !== true)
    throw noPermission();
  return provider;
}

async function activeUser({ database }: CoreDeps, username: string): Promise<UserRecord | undefined> {
  if (username === anonymousUsername) return undefined;
  return database.kysely
    .selectFrom('users')
    .selectAll()
    .where('username', '=', username)
    .where('is_active', '=', true)
    .executeTakeFirst();
}

const passed = { passing: true, messages: [], log_messages: [] };
const denied = { access: { ...passed, passing: false } };

/** Whether the application of this provider lets the user in. */
async function mayUse(deps: CoreDeps, provider: Row, user: UserRecord): Promise<boolean> {
  const application = await deps.database.kysely
    .selectFrom('applications')
    .selectAll()
    .where('provider', '=', Number(provider['id']))
    .executeTakeFirst();
  if (application === undefined) return false;
  return (await mayUseApplication(deps, application, { user })).passing;
}

async function shown(deps: CoreDeps, user: UserRecord) {
  const groups = (await groupsOf(deps, [user.id])).get(user.id) ?? [];
  return { pk: user.id, username: user.username, groups: groups.map(({ uuid, name }) => ({ pk: uuid, name })) };
}

async function assertFor(
  deps: CoreDeps,
  provider: Row,
  { username, method, wifi_secret }: z.infer<typeof assertion>,
  request: ApiRequest,
) {
  const user = await activeUser(deps, username);
  if (user === undefined || !(await mayUse(deps, provider, user))) return denied;
  const session = deps.sessions.create();
  session.userPk = user.id;
  session.data = { auth_method: method, ...(wifi_secret === undefined ? {} : { wifi_secret }) };
  const { clientIp } = request.caller;
  await deps.sessions.save(session, { ip: clientIp, userAgent: 'radius' });
  // Disabled in this very moment: the session must not outlive it.
  if ((await activeUser(deps, username)) === undefined) {
    await deps.sessions.end([session.id]);
    return denied;
  }
  await recordEvent(deps, {
    action: 'login',
    app: 'authentik.providers.radius',
    user,
    clientIp,
    context: { auth_method: method, provider: provider['name'] },
  });
  return {
    access: passed,
    attributes: await radiusReply(deps, provider, user),
    user: await shown(deps, user),
    session: { id: session.id },
  };
}
