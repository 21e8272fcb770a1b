// Routes of key pairs (core.md §11.6; core-contract §3.6).
import { registerModelRoutes, rowOf } from '../api/crud.ts';
import { noPermission } from '../api/failure.ts';
import { type ApiRequest, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { may } from '../identity/permissions.ts';
import { certificateModel } from './models.ts';

const prefix = '/api/v3/crypto/certificatekeypairs/:key';
const parts = [
  { action: 'view_certificate', column: 'certificate_data', permission: 'view_certificatekeypair_certificate' },
  { action: 'view_private_key', column: 'key_data', permission: 'view_certificatekeypair_key' },
] as const;

export function registerCryptoRoutes(api: Api, deps: CoreDeps): void {
  registerModelRoutes(api, deps, certificateModel);
  for (const { action, column, permission } of parts)
    api.get(`${prefix}/${action}/`, async (request: ApiRequest) => {
      const row = await rowOf(deps, certificateModel, request, 'view');
      const { user, ...rights } = requirePrincipal(request);
      if (!may({ user, ...rights }, `authentik_crypto.${permission}`, String(row['uuid']))) throw noPermission();
      if (user.type !== 'internal_service_account')
        await recordEvent(deps, {
          action: 'secret_view',
          app: 'authentik.crypto',
          user,
          clientIp: request.caller.clientIp,
          context: {
            secret: { app: 'authentik_crypto', model_name: 'certificatekeypair', pk: row['uuid'], name: row['name'] },
            part: column,
          },
        });
      return { data: String(row[column]) };
    });
}
