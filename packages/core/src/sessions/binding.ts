// Sessions bound to a network or place (core.md §12.6): when the visitor's address changes, what a login bound the session
// to must still hold. Without GeoIP and ASN data nothing can be shown to hold, so any change of address ends the session.
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { findUser } from '../identity/users.ts';
import type { Session } from './store.ts';

export const networkBindingKey = 'authentik/stages/user_login/binding/net';
export const geoBindingKey = 'authentik/stages/user_login/binding/geo';

/** Ends the session if its binding is broken. @returns whether it may go on */
export async function holdsBinding(deps: CoreDeps, session: Session, clientIp: string): Promise<boolean> {
  const { lastIp, data, userPk } = session;
  if (userPk === undefined || lastIp === undefined || lastIp === clientIp) return true;
  const binding = [data[networkBindingKey], data[geoBindingKey]].find(
    (value) => typeof value === 'string' && value !== 'no_binding',
  );
  if (binding === undefined) return true;
  await deps.sessions.end([session.id]);
  await recordEvent(deps, {
    action: 'logout',
    app: 'authentik.stages.user_login',
    user: await findUser(deps, userPk),
    clientIp,
    context: {
      logout_reason: 'Session is bound to a network or place, and its address changed without data to compare.',
      binding,
      ip: { previous: lastIp, new: clientIp },
    },
  });
  return false;
}
