// User write (core.md §15.3): what was asked for becomes a user, or changes one.
import { recordEvent } from '../../events/record.ts';
import { userModel, userRecord } from '../../identity/models/user.ts';
import type { UserRecord } from '../../identity/users.ts';
import { choice, flag, reference, setting, text } from '../../models/field.ts';
import { InvalidInput } from '../../models/invalid.ts';
import { createRow, updateRow } from '../../models/store.ts';
import { type Author, inUnit } from '../../models/unit.ts';
import { deny, ok, type StageContext, type StageKind, type Step, stageModel } from '../stage.ts';
import { valuesOf } from './values.ts';

export const userWriteStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_user_write.userwritestage',
    noun: 'User Write Stage',
    path: 'user_write',
    component: 'ak-stage-user-write-form',
    fields: {
      user_creation_mode: setting(choice('never_create', 'create_when_required', 'always_create'), {
        initial: 'create_when_required',
      }),
      create_users_as_inactive: setting(flag, { initial: false }),
      create_users_group: reference({ name: 'create_users_group', in: 'setting', table: 'groups', key: 'uuid' }),
      user_type: setting(choice('internal', 'external', 'service_account', 'internal_service_account'), {
        initial: 'external',
      }),
      user_path_template: setting(text, { initial: '' }),
    },
  }),

  async show(context) {
    const { plan } = context;
    const data = plan.context['prompt_data'];
    if (typeof data !== 'object' || data === null) return deny('No Pending data.');
    const target = await targetOf(context);
    if (target === 'nobody') return deny('No user found and can’t create new user.');
    try {
      return await write(context, target, { ...data });
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      context.deps.log.info('user not written', { stage: context.stage.name, error: error.message });
      return deny('Failed to update user. Please try again later.');
    }
  },
};

/** Whom to change; `undefined` for somebody new. */
async function targetOf({ settings, pendingUser }: StageContext): Promise<UserRecord | undefined | 'nobody'> {
  const mode = settings['user_creation_mode'];
  if (mode === 'always_create') return undefined;
  const user = (await pendingUser())?.record;
  if (user !== undefined) return user;
  return mode === 'never_create' ? 'nobody' : undefined;
}

async function write(
  context: StageContext,
  target: UserRecord | undefined,
  data: Readonly<Record<string, unknown>>,
): Promise<Step> {
  const { deps, plan, request } = context;
  const values = { ...(target === undefined ? newcomer(context) : {}), ...valuesOf(data, target?.attributes ?? {}) };
  if (values['username'] === '' || (target === undefined && values['username'] === undefined))
    return deny('Aborting write to empty username');
  addSource(context, values, target);
  const groups = groupsToJoin(context);
  const user = await inUnit(deps, authorOf(context), async (unit) => {
    const known = target === undefined ? [] : await groupsOfUser(context, target.id);
    const input = groups.length === 0 ? values : { ...values, groups: [...new Set([...known, ...groups])] };
    const row =
      target === undefined
        ? await createRow(unit, userModel, { name: '', ...input }, 'blueprint')
        : await updateRow(unit, userModel, { ...target }, input, 'blueprint');
    if (typeof values['password'] === 'string')
      await unit.db
        .updateTable('users')
        .set({ password_change_date: new Date(deps.clock.now()) })
        .where('id', '=', Number(row['id']))
        .execute();
    return userRecord(row);
  });
  plan.context['pending_user'] = { pk: user.id };
  if (typeof values['password'] === 'string') await passwordChanged(context, user);
  await recordEvent(deps, {
    action: 'user_write',
    app: 'authentik.stages.user_write',
    request,
    user,
    context: { ...data, created: target === undefined },
  });
  return ok;
}

/** Who changed his own password stays, under a new key; every other session of his ends (core.md §12.6, §23.3). */
async function passwordChanged({ deps, request }: StageContext, user: UserRecord): Promise<void> {
  if (request.user?.id === user.id) request.session = await deps.sessions.rotate(request.session);
  await deps.sessions.endUser(user.id, request.session.id);
  await recordEvent(deps, { action: 'password_set', app: 'authentik.core', request, user, context: {} });
}

function newcomer({ settings, plan }: StageContext): Record<string, unknown> {
  const type = typeof plan.context['user_type'] === 'string' ? plan.context['user_type'] : settings['user_type'];
  const path =
    typeof plan.context['user_path'] === 'string' ? plan.context['user_path'] : settings['user_path_template'];
  return {
    type: type === 'internal_service_account' ? 'service_account' : type,
    path: path === '' || path === undefined ? 'users' : path,
    is_active: settings['create_users_as_inactive'] !== true,
  };
}

function groupsToJoin({ settings, plan }: StageContext): string[] {
  const given: unknown = plan.context['groups'];
  const own = settings['create_users_group'];
  const named = Array.isArray(given) ? given.map((group) => keyOf(group)) : [];
  return [...named, keyOf(own)].filter((key) => key !== undefined);
}

function keyOf(group: unknown): string | undefined {
  if (typeof group === 'string') return group;
  const pk: unknown = typeof group === 'object' && group !== null ? Reflect.get(group, 'pk') : undefined;
  return typeof pk === 'string' ? pk : undefined;
}

async function groupsOfUser({ deps }: StageContext, user: number): Promise<string[]> {
  const rows = await deps.database.kysely
    .selectFrom('memberships')
    .select('group_uuid')
    .where('user_id', '=', user)
    .execute();
  return rows.map(({ group_uuid }) => group_uuid);
}

/** Where the user came from is remembered in an attribute. */
function addSource({ plan }: StageContext, values: Record<string, unknown>, target: UserRecord | undefined): void {
  const source = plan.context['source'];
  const name: unknown = typeof source === 'object' && source !== null ? Reflect.get(source, 'name') : undefined;
  if (typeof name !== 'string') return;
  const attributes = { ...target?.attributes, ...asObject(values['attributes']) };
  const before = attributes['goauthentik.io/user/sources'];
  const sources = Array.isArray(before) ? before : [];
  if (sources.includes(name)) return;
  values['attributes'] = { ...attributes, 'goauthentik.io/user/sources': [...sources, name] };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function authorOf({ request }: StageContext): Author {
  return {
    userPk: request.user?.id,
    username: request.user?.username ?? 'authentik:flow',
    clientIp: request.clientIp,
  };
}
