// Routes of applications (core.md §11.2): the list is what the caller may use; several objects at once, all or nothing.

import { z } from 'zod';
import { names } from '../api/answers.ts';
import { createByRequest } from '../api/create.ts';
import { listRows, registerModelRoutes } from '../api/crud.ts';
import { ApiFailure, noPermission, notFound } from '../api/failure.ts';
import { filtersOf, orderOf } from '../api/filtering.ts';
import { pageOf, readPageRequest } from '../api/pagination.ts';
import { type ApiRequest, authorOf, bodyOf, keyParameter, queryOf, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { flowRequestOf } from '../flows/routes.ts';
import { may, mayEverywhere } from '../identity/permissions.ts';
import { findUser, type UserRecord } from '../identity/users.ts';
import { isTruthText } from '../models/filters.ts';
import { InvalidInput, invalidField, message } from '../models/invalid.ts';
import { permissionName, type Row, type Values } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { findRow, findRows } from '../models/store.ts';
import { inUnit, type Unit } from '../models/unit.ts';
import { messagesByField } from '../models/validation.ts';
import { decisionShape } from '../policies/answers.ts';
import { policyBindingModel } from '../policies/bindings.ts';
import { type ApplicationRecord, mayUseApplication } from './access.ts';
import { applicationModel } from './models.ts';

/** Whether several objects were made at once. */
export const madeTogetherShape = z.object({ applied: z.boolean(), logs: names });

const path = '/api/v3/core/applications/';

export function registerApplicationRoutes(api: Api, deps: CoreDeps): void {
  api.get(path, { config: { operation: { model: applicationModel, verb: 'list' } } }, (request) =>
    listApplications(deps, request),
  );
  registerModelRoutes(api, deps, applicationModel, { without: ['list'] });
  api.get(
    `${path}:key/check_access/`,
    { config: { operation: { summary: 'Whether somebody may use it', answer: decisionShape } } },
    (request) => checkAccess(deps, request),
  );
  api.put(
    '/api/v3/core/transactional/applications/',
    {
      config: {
        operation: { summary: 'An application with its provider', body: transaction, answer: madeTogetherShape },
      },
    },
    (request) => createTogether(deps, request),
  );
}

async function listApplications(deps: CoreDeps, request: ApiRequest) {
  const principal = requirePrincipal(request);
  const query = queryOf(request);
  if (principal.isSuperuser && isTruthText(query.get('superuser_full_list') ?? ''))
    return listRows(deps, applicationModel, request);
  const user = await userAskedFor(deps, request);
  const rows = await findRows(deps.database.kysely, applicationModel, {
    where: filtersOf(applicationModel, query),
    order: orderOf(applicationModel, query),
  });
  const visitor = user.id === principal.user.id ? flowRequestOf(deps, request) : undefined;
  const question = { user, request: visitor };
  // All at once: what they ask of the database goes together, in as many statements for a thousand as for two.
  const answers = await Promise.all(rows.map((row) => mayUseApplication(deps, applicationRecord(row), question)));
  const allowed = rows.filter((_row, at) => answers[at]?.passing === true);
  const shown = await represent(deps, applicationModel, allowed, query);
  const wanted = isTruthText(query.get('only_with_launch_url') ?? '')
    ? shown.filter(({ launch_url }) => typeof launch_url === 'string' && launch_url !== '')
    : shown;
  const page = readPageRequest(query, deps.settings.current());
  return pageOf(page, wanted.length, wanted.slice(page.offset, page.offset + page.size));
}

async function checkAccess(deps: CoreDeps, request: ApiRequest) {
  const principal = requirePrincipal(request);
  const row = await findRow(deps.database.kysely, applicationModel, 'slug', keyParameter(request));
  if (row === undefined) throw notFound('Application');
  const given = queryOf(request).get('for_user');
  const asked = given === null ? undefined : await anotherUser(deps, given);
  if (given !== null && !principal.isSuperuser) throw noPermission();
  const question =
    asked === undefined ? { user: principal.user, request: flowRequestOf(deps, request) } : { user: asked };
  const { passing, messages } = await mayUseApplication(deps, applicationRecord(row), question);
  return { passing, messages: principal.isSuperuser ? messages : [], log_messages: [] };
}

/** `for_user`, or who asks. */
async function userAskedFor(deps: CoreDeps, request: ApiRequest): Promise<UserRecord> {
  const principal = requirePrincipal(request);
  const given = queryOf(request).get('for_user');
  if (given === null) return principal.user;
  if (!may(principal, 'authentik_core.view_user_applications', given)) throw noPermission();
  return anotherUser(deps, given);
}

async function anotherUser(deps: CoreDeps, pk: string): Promise<UserRecord> {
  const user = /^\d{1,9}$/.test(pk) ? await findUser(deps, Number(pk)) : undefined;
  if (user === undefined) throw invalidField('for_user', 'User not found');
  return user;
}

/** Rows of `applications` come from the database, whose schema this type mirrors. */
function applicationRecord(row: Row): Pick<ApplicationRecord, 'pbm_uuid' | 'policy_engine_mode'> {
  return { pbm_uuid: String(row['pbm_uuid']), policy_engine_mode: String(row['policy_engine_mode']) };
}

const values = z.record(z.string(), z.unknown());
const transaction = z.object({
  app: values,
  provider_model: z.string(),
  provider: values,
  policy_bindings: z.array(values).default([]),
});

async function createTogether(deps: CoreDeps, request: ApiRequest) {
  const principal = requirePrincipal(request);
  const given = bodyOf(request);
  const { success, data, error } = transaction.safeParse(given);
  if (!success) throw new InvalidInput(messagesByField(error, given));
  const providerModel = deps.registry.get(data.provider_model);
  if (providerModel?.table !== 'providers') throw invalidField('provider_model', message.choice(data.provider_model));
  const models = [applicationModel, providerModel, ...(data.policy_bindings.length > 0 ? [policyBindingModel] : [])];
  for (const model of models)
    if (!mayEverywhere(principal, permissionName(model, 'add')))
      throw new ApiFailure(403, { [model.id]: `User lacks permission to create ${model.id}` });
  await inUnit(deps, authorOf(request), async (unit) => {
    const provider = await part('provider', () => createByRequest(unit, providerModel, data.provider));
    const app = await part('app', () =>
      createByRequest(unit, applicationModel, { ...data.app, provider: provider['id'] }),
    );
    await createBindings(unit, data.policy_bindings, app);
  });
  return { applied: true, logs: [] };
}

async function createBindings(unit: Unit, bindings: readonly Values[], app: Row): Promise<void> {
  for (const [at, binding] of bindings.entries())
    await part('policy_bindings', () =>
      createByRequest(unit, policyBindingModel, { order: at, ...binding, target: app['pbm_uuid'] }),
    );
}

/** What is wrong with a part is told under its name. */
async function part<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InvalidInput) throw new ApiFailure(400, { [name]: error.fields });
    throw error;
  }
}
