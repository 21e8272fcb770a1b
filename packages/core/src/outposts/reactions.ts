// Which outposts must hear of a change (core-contract §8.4; more than the original tells, see its Beyond B7): those whose
// configuration it touches. Runs after the commit.
import { sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import { endWifiLogins, wifiIntent } from '../identity/wifi-secrets.ts';
import { mappingModels } from '../mappings/models.ts';
import type { Change } from '../models/unit.ts';
import { storeServiceAccount } from './service-account.ts';

export async function tellOutposts(deps: CoreDeps, changes: readonly Change[]): Promise<void> {
  for (const { model, action, key, row, fields } of changes)
    if (
      model === 'authentik_core.token' &&
      row['intent'] === wifiIntent &&
      (action === 'deleted' || fields.includes('key'))
    )
      await endWifiLogins(deps, String(key));
  const concerned = new Set<string>();
  for (const change of changes) for (const outpost of await outpostsOf(deps, change)) concerned.add(outpost);
  if (concerned.size === 0) return;
  const ids = [...concerned];
  const rows = await deps.database.kysely.selectFrom('outposts').selectAll().where('uuid', 'in', ids).execute();
  for (const row of rows) await storeServiceAccount(deps.database.kysely, row);
  await deps.channels.triggerUpdate(ids);
}

async function outpostsOf({ database: { kysely } }: CoreDeps, { model, key, row }: Change): Promise<string[]> {
  if (model === 'authentik_outposts.outpost') return [String(key)];
  if (mappingModels.some(({ id }) => id === model)) {
    const users = await kysely
      .selectFrom('providers')
      .select('id')
      .where(sql<boolean>`settings->'property_mappings' ? ${String(key)}`)
      .execute();
    return servingProviders(users.map(({ id }) => id));
  }
  if (model.startsWith('authentik_providers_')) return servingProviders([Number(key)]);
  if (model === 'authentik_core.application') {
    const back = await kysely
      .selectFrom('application_backchannel')
      .select('provider')
      .where('application', '=', String(key))
      .execute();
    const main = row['provider'];
    return servingProviders([...(main === null ? [] : [Number(main)]), ...back.map(({ provider }) => provider)]);
  }
  if (model === 'authentik_crypto.certificatekeypair') {
    const users = await kysely
      .selectFrom('providers')
      .select('id')
      .where(({ eb, ref }) => eb(ref('settings', '->>').key('certificate'), '=', String(key)))
      .execute();
    return servingProviders(users.map(({ id }) => id));
  }
  if (model === 'authentik_flows.flow') {
    const users = await kysely
      .selectFrom('providers')
      .select('id')
      .where((where) =>
        where.or([where('authorization_flow', '=', String(key)), where('invalidation_flow', '=', String(key))]),
      )
      .execute();
    return servingProviders(users.map(({ id }) => id));
  }
  return [];

  async function servingProviders(providers: readonly number[]): Promise<string[]> {
    if (providers.length === 0) return [];
    const rows = await kysely
      .selectFrom('outpost_providers')
      .select('outpost')
      .where('provider', 'in', [...providers])
      .execute();
    return rows.map(({ outpost }) => outpost);
  }
}
