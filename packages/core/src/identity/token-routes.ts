// Routes of tokens (core.md §11.2): making them, and the only places that show or set a key.

import { z } from 'zod';
import { createByRequest } from '../api/create.ts';
import { registerModelRoutes, representOne } from '../api/crud.ts';
import { noPermission } from '../api/failure.ts';
import { type ApiRequest, authorOf, bodyOf, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { rowOf } from '../api/visibility.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { InvalidInput, invalidField, message } from '../models/invalid.ts';
import { updateRow } from '../models/store.ts';
import { inUnit } from '../models/unit.ts';
import { tokenModel } from './models/token.ts';
import { may } from './permissions.ts';
import { newTokenInput } from './token-rules.ts';
import { drawWifiSecret, wifiIntent } from './wifi-secrets.ts';

const prefix = '/api/v3/core/tokens';
const newKey = z.object({ key: z.string().min(1) });

export function registerTokenRoutes(api: Api, deps: CoreDeps): void {
  api.post(`${prefix}/`, { config: { operation: { model: tokenModel, verb: 'create' } } }, async (request, reply) => {
    const input = await newTokenInput(deps, requirePrincipal(request), bodyOf(request));
    const row = await inUnit(deps, authorOf(request), (unit) => createByRequest(unit, tokenModel, input));
    return reply.code(201).send(await representOne(deps, tokenModel, row, request));
  });
  registerModelRoutes(api, deps, tokenModel, { without: ['create'] });
  api.get(`${prefix}/:key/view_key/`, { config: { operation: { summary: 'The key', answer: newKey } } }, (request) =>
    viewKey(deps, request),
  );
  api.post(
    `${prefix}/:key/set_key/`,
    { config: { operation: { summary: 'Choose the key', body: newKey, status: 204 } } },
    async (request, reply) => {
      const token = await rowOf(deps, tokenModel, request, 'view');
      if (!may(requirePrincipal(request), 'authentik_core.set_token_key', String(token['uuid']))) throw noPermission();
      if (token['intent'] === wifiIntent) throw invalidField('key', 'A Wi-Fi secret is generated: use rotate.');
      const { success, data } = newKey.safeParse(bodyOf(request));
      if (!success) throw new InvalidInput({ key: [message.required] });
      await inUnit(deps, authorOf(request), (unit) =>
        updateRow(unit, tokenModel, token, { key: data.key }, 'blueprint'),
      );
      return reply.code(204).send();
    },
  );
  registerRotation(api, deps);
}

async function viewKey(deps: CoreDeps, request: ApiRequest) {
  const token = await rowOf(deps, tokenModel, request, 'view');
  const principal = requirePrincipal(request);
  const owns = token['user_id'] === principal.user.id;
  if (!owns && !may(principal, 'authentik_core.view_token_key', String(token['uuid']))) throw noPermission();
  const { clientIp, request: from } = authorOf(request);
  await recordEvent(deps, {
    action: 'secret_view',
    app: 'authentik.core',
    user: principal.user,
    clientIp,
    from,
    context: {
      secret: { app: 'authentik_core', model_name: 'token', pk: token['uuid'], name: token['identifier'] },
    },
  });
  return { key: token['key'] };
}

/** A new Wi-Fi secret in place of the old one, which is dead at once, with the logins that it opened. */
function registerRotation(api: Api, deps: CoreDeps): void {
  api.post(
    `${prefix}/:key/rotate/`,
    { config: { operation: { summary: 'Draw a new Wi-Fi secret', answer: newKey } } },
    async (request) => {
      const token = await rowOf(deps, tokenModel, request, 'change');
      if (token['intent'] !== wifiIntent) throw invalidField('intent', 'Only Wi-Fi secrets are rotated here.');
      const key = drawWifiSecret();
      await inUnit(deps, authorOf(request), (unit) => updateRow(unit, tokenModel, token, { key }, 'blueprint'));
      return { key };
    },
  );
}
