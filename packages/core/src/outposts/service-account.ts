// The account an outpost speaks as (core.md §9.3): internal service account, token, and exactly the grants its providers
// need. Rebuilt whenever the outpost or what it serves changes.
import { randomId } from '../identity/random.ts';
import type { Row } from '../models/model.ts';
import type { Connection } from '../models/unit.ts';
import { assertLogin, viewWifiSecret } from './radius-logins.ts';

export function serviceTokenIdentifier(outpost: string): string {
  return `ak-outpost-${outpost}-api`;
}

export function serviceUsername(outpost: string): string {
  return `ak-outpost-${outpost.replaceAll('-', '')}`;
}

/** What an outpost needs in order to hand on the client certificate of its peer (core-contract §8.3). */
export const passOutpostCertificate = 'authentik_stages_mtls.pass_outpost_certificate';

const keyLength = 60;

/** Makes or refreshes the account, its token and its grants. */
export async function storeServiceAccount(db: Connection, outpost: Row): Promise<void> {
  const uuid = String(outpost['uuid']);
  const name = `Outpost ${String(outpost['name'])} Service-Account`;
  const { id } = await db
    .insertInto('users')
    .values({
      username: serviceUsername(uuid),
      name,
      type: 'internal_service_account',
      path: 'goauthentik.io/outposts',
    })
    .onConflict((conflict) => conflict.column('username').doUpdateSet({ name }))
    .returning('id')
    .executeTakeFirstOrThrow();
  const identifier = serviceTokenIdentifier(uuid);
  await db
    .insertInto('tokens')
    .values({
      identifier,
      key: randomId(keyLength),
      intent: 'api',
      user_id: id,
      expiring: false,
      managed: `goauthentik.io/outpost/${identifier}`,
    })
    .onConflict((conflict) => conflict.column('identifier').doNothing())
    .execute();
  await storeGrants(db, id, uuid);
}

export async function removeServiceAccount(db: Connection, outpost: string): Promise<void> {
  await db.deleteFrom('users').where('username', '=', serviceUsername(outpost)).execute();
}

async function storeGrants(db: Connection, user: number, outpost: string): Promise<void> {
  const providers = await db
    .selectFrom('outpost_providers')
    .innerJoin('providers', 'providers.id', 'outpost_providers.provider')
    .select(['providers.id', 'providers.kind', 'providers.settings'])
    .where('outpost_providers.outpost', '=', outpost)
    .execute();
  const grants: { permission: string; object: string }[] = [
    { permission: 'authentik_outposts.view_outpost', object: outpost },
    { permission: 'authentik_events.add_event', object: '' },
  ];
  for (const { id, kind, settings } of providers) {
    grants.push({ permission: kind.replace('.', '.view_'), object: String(id) });
    if (settings['wifi_secrets'] === true) grants.push({ permission: viewWifiSecret, object: String(id) });
    if (settings['wifi_secrets'] === true || settings['local_certificates'] === true)
      grants.push({ permission: assertLogin, object: String(id) });
    const certificate = settings['certificate'];
    if (typeof certificate === 'string')
      for (const action of ['', '_certificate', '_key'])
        grants.push({ permission: `authentik_crypto.view_certificatekeypair${action}`, object: certificate });
  }
  if (providers.some(({ kind }) => kind.startsWith('authentik_providers_ldap.')))
    for (const permission of ['authentik_core.view_user', 'authentik_core.view_group'])
      grants.push({ permission, object: '' });
  if (providers.some(({ kind }) => kind.startsWith('authentik_providers_radius.')))
    grants.push({ permission: passOutpostCertificate, object: '' });
  await db.deleteFrom('grants').where('user_id', '=', user).execute();
  await db
    .insertInto('grants')
    .values(grants.map((grant) => ({ user_id: user, ...grant })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
