// Clients that hear of the end of a session in the visitor's browser (OpenID Connect Front-Channel Logout 1.0 §2; core.md
// §17.7): a stage, put in by code, loads the address of each with issuer and session.
import type { LogoutUrl } from '@gatehouse/contract/flow';
import type { CoreDeps } from '../deps.ts';
import type { PlannedStage } from '../flows/plan.ts';

export const frontchannelLogoutKind = 'authentik_providers_oauth2.frontchannellogoutstage';

/** The stage for clients of this session, or for one of them; `undefined` where none is told this way. Ask before it ends. */
export async function frontchannelLogout(
  { database }: CoreDeps,
  session: string,
  provider?: number,
): Promise<PlannedStage | undefined> {
  const rows = await database.kysely
    .selectFrom('oauth_participants')
    .innerJoin('providers', 'providers.id', 'oauth_participants.provider')
    .select(['oauth_participants.provider', 'oauth_participants.issuer', 'providers.name', 'providers.settings'])
    .where('session_id', '=', session)
    .orderBy('providers.name')
    .execute();
  const logout_urls = rows
    .filter((row) => provider === undefined || row.provider === provider)
    .filter(({ settings }) => settings['logout_method'] === 'frontchannel')
    .flatMap(({ name, issuer, settings }) =>
      addressed(String(settings['logout_uri'] ?? ''), name, { issuer, session }),
    );
  if (logout_urls.length === 0) return undefined;
  const stage = { kind: frontchannelLogoutKind, name: 'Front-channel logout', settings: { logout_urls } };
  return { engineMode: 'any', reEvaluate: false, invalidResponse: 'retry', stage };
}

function addressed(
  uri: string,
  provider_name: string,
  { issuer, session }: { readonly issuer: string; readonly session: string },
): LogoutUrl[] {
  if (!/^https?:/i.test(uri) || !URL.canParse(uri)) return [];
  const url = new URL(uri);
  url.searchParams.append('iss', issuer);
  url.searchParams.append('sid', session);
  const saml = { saml_request: null, saml_response: null, saml_relay_state: null };
  return [{ url: url.href, provider_name, binding: 'redirect', ...saml }];
}
