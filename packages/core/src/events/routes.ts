// `/api/v3/events/events/` (core-contract §3.11, core.md §20.1).
import { isIP } from 'node:net';
import { z } from 'zod';
import { bodyOf, listRows, rowOf } from '../api/crud.ts';
import { queryOf, requirePermission } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { column, jsonColumn, text } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import type { Model } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { createRow } from '../models/store.ts';
import { inUnit } from '../models/unit.ts';
import { cleanse } from './cleanse.ts';

const actions = new Set(
  (
    'login login_failed logout user_write suspicious_request password_set secret_view secret_rotate invitation_used ' +
    'authorize_application source_linked impersonation_started impersonation_ended flow_execution policy_execution ' +
    'policy_exception property_mapping_exception system_task_execution system_task_exception system_exception ' +
    'configuration_error configuration_warning model_created model_updated model_deleted email_sent update_available ' +
    'export_ready review_initiated review_overdue review_attested review_completed'
  ).split(' '),
);

const action = z.string().refine((value) => actions.has(value) || value.startsWith('custom_'), {
  error: ({ input }) => `"${String(input)}" is not a valid choice.`,
});
const address = z
  .string()
  .refine((value) => isIP(value) !== 0, { error: 'Enter a valid IPv4 or IPv6 address.' })
  .nullable();

export const eventModel: Model = {
  id: 'authentik_events.event',
  noun: 'Event',
  nouns: 'Events',
  table: 'events',
  key: 'uuid',
  keyType: 'uuid',
  path: '/events/events/',
  fields: {
    user: jsonColumn('user'),
    action: column('action', action),
    app: column('app', text),
    context: jsonColumn('context'),
    client_ip: column('client_ip', address, { initial: null }),
    created: column('created', z.date(), { readOnly: true, draw: () => new Date() }),
  },
  search: ['action', 'app', 'context', 'client_ip'],
  order: ['-created'],
  filters: { action: exactly('action'), app: exactly('app'), client_ip: exactly('client_ip') },
  async derive(_deps, rows) {
    return rows.map(() => ({ expires: null, brand: {} }));
  },
};

export function registerEventRoutes(api: Api, deps: CoreDeps): void {
  const path = '/api/v3/events/events/';
  api.get(path, (request) => listRows(deps, eventModel, request));
  api.get(`${path}:key/`, async (request) => {
    const row = await rowOf(deps, eventModel, request, 'view');
    const [shown] = await represent(deps, eventModel, [row], queryOf(request));
    return shown;
  });
  api.post(path, async (request, reply) => {
    const { user } = requirePermission(request, 'authentik_events.add_event');
    const given = bodyOf(request);
    const input = {
      ...given,
      context: cleanse(given['context'] ?? {}),
      user: given['user'] ?? { pk: user.id, username: user.username, email: user.email },
    };
    const author = { userPk: undefined, username: '', clientIp: undefined };
    const row = await inUnit(deps, author, (unit) => createRow(unit, eventModel, input, 'api'));
    const [shown] = await represent(deps, eventModel, [row], queryOf(request));
    return reply.code(201).send(shown);
  });
}
