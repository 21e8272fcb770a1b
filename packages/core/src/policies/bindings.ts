// `authentik_policies.policybinding` (core.md §6): what a policy, a group or a user is bound to.

import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { refusePolicy } from '../applications/entitlements.ts';
import type { CoreDeps } from '../deps.ts';
import { wireGroups } from '../identity/groups.ts';
import { wireUsers } from '../identity/users.ts';
import { column, flag, integer, reference } from '../models/field.ts';
import { exactly, isNull, isTrue } from '../models/filters.ts';
import { InvalidInput, message } from '../models/invalid.ts';
import { defineModel, type Row } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { groupShape, kindOfShape, userShape } from '../models/shapes.ts';
import type { Connection } from '../models/unit.ts';

/** What bindings attach to, and the key by which everybody else knows it. */
const targets = [
  { table: 'flows', key: 'uuid' },
  { table: 'stage_bindings', key: 'uuid' },
  { table: 'applications', key: 'pbm_uuid' },
  { table: 'application_entitlements', key: 'pbm_uuid' },
  { table: 'notification_rules', key: 'pbm_uuid' },
] as const;

export const policyBindingModel = defineModel({
  id: 'authentik_policies.policybinding',
  noun: 'PolicyBinding',
  nouns: 'Policy Bindings',
  table: 'policy_bindings',
  key: 'uuid',
  keyType: 'uuid',
  path: '/policies/bindings/',
  fields: {
    policy: reference({ name: 'policy', in: 'column', table: 'policies', key: 'uuid' }),
    group: reference({ name: 'group', in: 'column', table: 'groups', key: 'uuid' }),
    user: reference({ name: 'user', in: 'column', table: 'users', key: 'id' }),
    target: column('target', z.string()),
    negate: column('negate', flag, { initial: false }),
    enabled: column('enabled', flag, { initial: true }),
    order: column('order', integer),
    timeout: column('timeout', integer.min(0), { initial: 30 }),
    failure_result: column('failure_result', flag, { initial: false }),
  },
  order: ['order', 'uuid'],
  filters: {
    policy: exactly('policy'),
    policy__isnull: isNull('policy'),
    target: (values) => isTarget(values),
    target_in: (values) => isTarget(values.flatMap((value) => value.split(','))),
    enabled: isTrue('enabled'),
    order: exactly('order'),
    timeout: exactly('timeout'),
  },
  async prepare({ db }, values, existing) {
    const subjects = ['policy', 'group', 'user'].filter(
      (name) => (values[name] === undefined ? existing?.[name] : values[name]) != null,
    );
    if (subjects.length !== 1)
      throw new InvalidInput({
        non_field_errors: [
          subjects.length === 0
            ? "One of 'policy', 'group', 'user' must be set."
            : "Only one of 'policy', 'group', 'user' can be set.",
        ],
      });
    const { target } = values;
    const found = target === undefined ? String(existing?.['target']) : await bindingKeyOf(db, String(target));
    await refusePolicy(db, found, values['policy'] === undefined ? existing?.['policy'] : values['policy']);
    return target === undefined ? values : { ...values, target: found };
  },
  derived: {
    policy_obj: kindOfShape.nullable(),
    group_obj: groupShape.nullable(),
    user_obj: userShape.nullable(),
  },
  async derive(deps, rows) {
    const keys = await publicKeys(deps.database.kysely, rows);
    const policies = await policiesOf(deps, rows);
    const [groups, users] = await Promise.all([groupsOf(deps, rows), usersOf(deps, rows)]);
    return rows.map((row) => ({
      target: keys.get(row['target']) ?? row['target'],
      policy_obj: policies.get(row['policy']) ?? null,
      group_obj: groups.find(({ pk }) => pk === row['group']) ?? null,
      user_obj: users.find(({ pk }) => pk === row['user']) ?? null,
    }));
  },
});

/** Clients give the key for bindings (core.md §24, quirk 23); the public one is understood, too. */
function isTarget(values: readonly string[]): RawBuilder<boolean> {
  const wanted = sql.join([...values]);
  const known = targets.map(
    ({ table, key }) => sql`select pbm_uuid from ${sql.table(table)} where ${sql.ref(key)}::text in (${wanted})`,
  );
  return sql<boolean>`(target::text in (${wanted}) or target in (${sql.join(known, sql` union `)}))`;
}

/** @throws InvalidInput if nothing has this key */
async function bindingKeyOf(db: Connection, target: string): Promise<string> {
  for (const { table, key } of targets) {
    const { rows } = await sql<{ pbm_uuid: string }>`select pbm_uuid from ${sql.table(table)}
      where pbm_uuid::text = ${target} or ${sql.ref(key)}::text = ${target}`.execute(db);
    const [found] = rows;
    if (found !== undefined) return found.pbm_uuid;
  }
  throw new InvalidInput({ target: [message.missing(target)] });
}

async function publicKeys(db: Connection, rows: readonly Row[]): Promise<ReadonlyMap<unknown, string>> {
  const wanted = rows.map((row) => row['target']);
  if (wanted.length === 0) return new Map();
  const parts = targets.map(
    ({ table, key }) =>
      sql`select pbm_uuid, ${sql.ref(key)} as key from ${sql.table(table)} where pbm_uuid in (${sql.join(wanted)})`,
  );
  const { rows: pairs } = await sql<{ pbm_uuid: string; key: string }>`${sql.join(parts, sql` union all `)}`.execute(
    db,
  );
  return new Map(pairs.map(({ pbm_uuid, key }) => [pbm_uuid, key]));
}

async function policiesOf(deps: CoreDeps, rows: readonly Row[]): Promise<ReadonlyMap<unknown, Row>> {
  const keys = rows.flatMap((row) => (typeof row['policy'] === 'string' ? [row['policy']] : []));
  const found = new Map<unknown, Row>();
  if (keys.length === 0) return found;
  const policies = await deps.database.kysely.selectFrom('policies').selectAll().where('uuid', 'in', keys).execute();
  for (const policy of policies) {
    const model = deps.registry.ofKind('policies', policy.kind);
    const [view] = model === undefined ? [] : await represent(deps, model, [policy], new URLSearchParams());
    if (view !== undefined) found.set(policy.uuid, view);
  }
  return found;
}

async function groupsOf(deps: CoreDeps, rows: readonly Row[]) {
  const keys = rows.flatMap((row) => (typeof row['group'] === 'string' ? [row['group']] : []));
  if (keys.length === 0) return [];
  const groups = await deps.database.kysely.selectFrom('groups').selectAll().where('uuid', 'in', keys).execute();
  return wireGroups(deps, groups, { users: false, children: false, parents: false, inheritedRoles: false });
}

async function usersOf(deps: CoreDeps, rows: readonly Row[]) {
  const keys = rows.flatMap((row) => (typeof row['user'] === 'number' ? [row['user']] : []));
  if (keys.length === 0) return [];
  const users = await deps.database.kysely.selectFrom('users').selectAll().where('id', 'in', keys).execute();
  return wireUsers(deps, users, { groups: false, roles: false });
}
