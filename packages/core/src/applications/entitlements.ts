// `authentik_core.applicationentitlement` (core.md §4.1): what an application lets some of its users do, told to it by the
// scope `entitlements` and the proxy's headers.
import { type Selectable, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { column, jsonColumn, line, reference, text } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { invalidField } from '../models/invalid.ts';
import { defineModel } from '../models/model.ts';
import type { Connection } from '../models/unit.ts';

export type Entitlement = Selectable<Tables['application_entitlements']>;

export const entitlementModel = defineModel({
  id: 'authentik_core.applicationentitlement',
  noun: 'Application Entitlement',
  nouns: 'Application Entitlements',
  table: 'application_entitlements',
  key: 'pbm_uuid',
  keyType: 'uuid',
  bindingKey: 'pbm_uuid',
  path: '/core/application_entitlements/',
  fields: {
    pbm_uuid: column('pbm_uuid', text, { readOnly: true }),
    name: column('name', line),
    app: reference({ name: 'app', in: 'column', table: 'applications', key: 'pbm_uuid', required: true }),
    attributes: jsonColumn('attributes'),
  },
  search: ['name'],
  order: ['name'],
  filters: { name: exactly('name'), app: exactly('app'), pbm_uuid: exactly('pbm_uuid') },
});

/** Those with an enabled binding that holds for the user, groups with all below them; by name. */
export async function entitlementsOf(
  { database }: CoreDeps,
  user: number,
  application: string,
): Promise<readonly Entitlement[]> {
  const { rows } = await sql<Entitlement>`
    with mine (uuid) as materialized (select groups_of_user(${user}))
    select e.* from application_entitlements e where e.app::text = ${application} and exists (
      select 1 from policy_bindings b where b.target = e.pbm_uuid and b.enabled and b.policy is null
        and b.negate <> (coalesce(b."user" = ${user}, false) or coalesce(b."group" in (select uuid from mine), false)))
    order by e.name`.execute(database.kysely);
  return rows;
}

/** Entitlements are for users and groups: no policy decides on them. @throws InvalidInput */
export async function refusePolicy(db: Connection, target: string, policy: unknown): Promise<void> {
  if (policy == null) return;
  const found = await db
    .selectFrom('application_entitlements')
    .select('pbm_uuid')
    .where('pbm_uuid', '=', target)
    .executeTakeFirst();
  if (found !== undefined)
    throw invalidField('policy', 'Entitlements can be bound to groups and users only, not to policies.');
}
