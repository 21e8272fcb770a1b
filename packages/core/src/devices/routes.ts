// `/authenticators/all/`, its variant for administrators, and `/stages/all/user_settings/` (core.md §11.5): what a user has
// as second factors, and what can be set up.
import { invalid } from '../api/failure.ts';
import { queryOf, requirePermission, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { deviceModels } from './models.ts';
import type { DeviceRecord } from './verify.ts';

export function registerDeviceRoutes(api: Api, deps: CoreDeps): void {
  const devicesOf = async (user: number) => {
    const { kysely } = deps.database;
    const rows = await kysely.selectFrom('devices').selectAll().where('user_id', '=', user).orderBy('id').execute();
    return rows.flatMap(shown);
  };
  api.get(
    '/api/v3/authenticators/all/',
    { config: { operation: { summary: 'Second factors of whoever asks' } } },
    (request) => devicesOf(requirePrincipal(request).user.id),
  );
  api.get(
    '/api/v3/authenticators/admin/all/',
    { config: { operation: { summary: 'Second factors of a user' } } },
    (request) => {
      requirePermission(request, 'authentik_core.view_user');
      const user = Number(queryOf(request).get('user'));
      if (!Number.isInteger(user)) throw invalid('user', 'A valid integer is required.');
      return devicesOf(user);
    },
  );
  api.get(
    '/api/v3/stages/all/user_settings/',
    { config: { operation: { summary: 'What whoever asks can set up' } } },
    async (request) => {
      requirePrincipal(request);
      return userSettings(deps);
    },
  );
}

const typeNames: Readonly<Record<string, string>> = {
  totp: 'authentik_stages_authenticator_totp.TOTPDevice',
  static: 'authentik_stages_authenticator_static.StaticDevice',
};

function shown(device: DeviceRecord) {
  const model = deviceModels.find(({ kind }) => kind === device.kind);
  if (model === undefined) return [];
  const { noun, nouns, id } = model;
  return [
    {
      verbose_name: noun,
      verbose_name_plural: nouns,
      meta_model_name: id,
      pk: String(device.id),
      name: device.name,
      type: typeNames[device.kind] ?? '',
      confirmed: device.confirmed,
      last_used: device.last_used?.toISOString() ?? null,
      extra_description: null,
      external_id: null,
    },
  ];
}

/** Kinds of stages that users may run by themselves, and the element that shows them. */
const components: Readonly<Record<string, string>> = {
  'authentik_stages_password.passwordstage': 'ak-user-settings-password',
  'authentik_stages_authenticator_totp.authenticatortotpstage': 'ak-user-settings-authenticator-totp',
  'authentik_stages_authenticator_static.authenticatorstaticstage': 'ak-user-settings-authenticator-static',
};

/** Stages that name a flow for setting them up. */
async function userSettings({ database, webPath }: CoreDeps) {
  const stages = await database.kysely
    .selectFrom('stages')
    .select(['uuid', 'name', 'kind', 'settings'])
    .where('kind', 'in', Object.keys(components))
    .orderBy('name')
    .execute();
  return stages
    .filter(({ settings }) => typeof settings['configure_flow'] === 'string')
    .map(({ uuid, name, kind, settings }) => {
      const friendly = settings['friendly_name'];
      return {
        object_uid: uuid,
        component: components[kind] ?? '',
        title: typeof friendly === 'string' && friendly !== '' ? friendly : name,
        configure_url: `${webPath}flows/-/configure/${uuid}/`,
      };
    });
}
