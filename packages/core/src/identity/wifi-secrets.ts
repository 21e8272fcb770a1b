// Wi-Fi secrets: generated, one per device if the user likes, and good for MS-CHAPv2 only, which cannot work with hashed
// passwords. Tokens with the intent `wifi_secret`; off until a RADIUS provider has them switched on. Whoever gets hold of
// one gets onto the network and nowhere else: no login, no API, and never the password.
import type { CoreDeps } from '../deps.ts';
import { randomId } from './random.ts';

export const wifiIntent = 'wifi_secret';

/** No letter that looks like another one, since it is typed on telephones: 32 of them, 20 places, 99 bits. */
const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
const places = 20;
const maxSecrets = 16;

export function drawWifiSecret(): string {
  let secret = '';
  while (secret.length < places)
    secret += [...randomId(4 * places).toLowerCase()].filter((letter) => letters.includes(letter)).join('');
  return secret.slice(0, places);
}

/** Whether any RADIUS provider takes them; until then none is made. */
export async function areWifiSecretsOn({ database }: CoreDeps): Promise<boolean> {
  const found = await database.kysely
    .selectFrom('providers')
    .select('id')
    .where('kind', '=', 'authentik_providers_radius.radiusprovider')
    .where(({ eb, ref }) => eb(ref('settings', '->>').key('wifi_secrets'), '=', 'true'))
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

export interface WifiSecret {
  readonly uuid: string;
  readonly key: string;
}

/** The unexpired ones of a user, at most sixteen. */
export async function wifiSecretsOf({ database, clock }: CoreDeps, userPk: number): Promise<readonly WifiSecret[]> {
  return database.kysely
    .selectFrom('tokens')
    .select(['uuid', 'key'])
    .where('user_id', '=', userPk)
    .where('intent', '=', wifiIntent)
    .where((where) => where.or([where('expiring', '=', false), where('expires', '>', new Date(clock.now()))]))
    .orderBy('identifier')
    .limit(maxSecrets)
    .execute();
}

/** Ends the logins that this secret opened, so that the devices are disconnected. */
export async function endWifiLogins({ database, sessions }: CoreDeps, uuid: string): Promise<void> {
  const rows = await database.kysely
    .selectFrom('sessions')
    .select('id')
    .where(({ eb, ref }) => eb(ref('data', '->>').key('wifi_secret'), '=', uuid))
    .execute();
  await sessions.end(rows.map(({ id }) => id));
}
