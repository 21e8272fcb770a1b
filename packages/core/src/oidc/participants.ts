// Clients that take part in a session, and what happens to them when it ends (core.md §17.7): a task for each that wants to
// hear of it, in the transaction that ends the session.
import type { CoreDeps } from '../deps.ts';
import type { Connection } from '../models/unit.ts';
import { enqueue } from '../tasks/queue.ts';

export const sendLogoutActor = 'authentik.providers.oauth2.tasks.backchannel_logout_notification_dispatch';

export interface Participant {
  readonly session: string;
  readonly provider: number;
  readonly issuer: string;
  readonly subject: string;
}

export async function addParticipant({ database }: CoreDeps, participant: Participant): Promise<void> {
  const { session, provider, issuer, subject } = participant;
  await database.kysely
    .insertInto('oauth_participants')
    .values({ session_id: session, provider, issuer, subject })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function announceLogout(db: Connection, sessions: readonly string[]): Promise<void> {
  if (sessions.length === 0) return;
  const rows = await db
    .selectFrom('oauth_participants')
    .innerJoin('providers', 'providers.id', 'oauth_participants.provider')
    .selectAll('oauth_participants')
    .select(({ ref }) => [
      ref('providers.settings', '->>').key('logout_uri').as('uri'),
      ref('providers.settings', '->>').key('logout_method').as('method'),
    ])
    .where('session_id', 'in', [...sessions])
    .execute();
  for (const { session_id, provider, issuer, subject, uri, method } of rows) {
    if (uri === null || String(uri) === '' || String(method) === 'frontchannel') continue;
    const args = { provider, issuer, sub: subject, sid: session_id };
    const about = { app: 'authentik_providers_oauth2', model: 'oauth2provider', id: String(provider) };
    await enqueue(db, { actor: sendLogoutActor, args, suffix: String(provider), about });
  }
}
