// Sessions bound to a network or place (core.md §12.6): when the visitor's address changes, what a login bound the session
// to must still hold. Without data nothing can be shown to hold, so any change of address ends the session then.
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import type { Location } from '../geoip/locations.ts';
import { findUser } from '../identity/users.ts';
import type { Session } from './session.ts';

export const networkBindingKey = 'authentik/stages/user_login/binding/net';
export const geoBindingKey = 'authentik/stages/user_login/binding/geo';

type At = Location & { readonly ip: string };
/** What has to stay the same; `undefined` where it is not known. */
type Fixed = (at: At) => unknown;

const asn: Fixed = ({ network }) => network?.asn;
const part: Fixed = ({ network }) => network?.network ?? undefined;
const continent: Fixed = ({ place }) => place?.continent || undefined;
const country: Fixed = ({ place }) => place?.country || undefined;
const city: Fixed = ({ place }) => place?.city || undefined;

const bindings: Readonly<Record<string, readonly Fixed[]>> = {
  no_binding: [],
  bind_asn: [asn],
  bind_asn_network: [asn, part],
  bind_asn_network_ip: [asn, part, ({ ip }) => ip],
  bind_continent: [continent],
  bind_continent_country: [continent, country],
  bind_continent_country_city: [continent, country, city],
};

/** Ends the session if its binding is broken. @returns whether it may go on */
export async function holdsBinding(deps: CoreDeps, session: Session, clientIp: string): Promise<boolean> {
  const { lastIp, data, userPk } = session;
  if (userPk === undefined || lastIp === undefined || lastIp === clientIp) return true;
  const bound = [data[networkBindingKey], data[geoBindingKey]].filter(
    (value): value is string => typeof value === 'string' && value !== 'no_binding',
  );
  if (bound.length === 0) return true;
  const before = { ip: lastIp, ...(await deps.locations.of(lastIp)) };
  const now = { ip: clientIp, ...(await deps.locations.of(clientIp)) };
  const broken = bound.find((binding) => !(bindings[binding] ?? [never]).every((fixed) => isSame(fixed, before, now)));
  if (broken === undefined) return true;
  await deps.sessions.end([session.id]);
  await recordEvent(deps, {
    action: 'logout',
    app: 'authentik.stages.user_login',
    user: await findUser(deps, userPk),
    clientIp,
    context: {
      logout_reason: 'Session is bound to a network or place, and its address changed to another, or one not known.',
      binding: broken,
      ip: { previous: lastIp, new: clientIp },
      network: { previous: before.network ?? null, new: now.network ?? null },
      place: { previous: before.place ?? null, new: now.place ?? null },
    },
  });
  return false;
}

/** A binding of another release holds for nobody. */
const never: Fixed = () => undefined;

function isSame(fixed: Fixed, before: At, now: At): boolean {
  const value = fixed(now);
  return value !== undefined && value === fixed(before);
}
