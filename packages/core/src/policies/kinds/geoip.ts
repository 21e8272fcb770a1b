// GeoIP policy (core.md §14.4): where the visitor is, and whether that can be after where the account was before. Without the
// data that it asks for it cannot tell, which throws, so that the binding's failure result decides.
import { sql } from 'kysely';
import { z } from 'zod';
import type { CoreDeps } from '../../deps.ts';
import { distanceKm, type Point } from '../../geoip/distance.ts';
import type { Location } from '../../geoip/locations.ts';
import type { UserRecord } from '../../identity/users.ts';
import { answer, type Evaluate, type PolicyAnswer } from '../kind.ts';

const settingsSchema = z.object({
  asns: z.array(z.number()).default([]),
  countries: z.array(z.string()).default([]),
  distance_tolerance_km: z.number().default(50),
  check_history_distance: z.boolean().default(false),
  history_max_distance_km: z.number().default(100),
  history_login_count: z.number().default(5),
  check_impossible_travel: z.boolean().default(false),
});
type GeoSettings = z.infer<typeof settingsSchema>;

const kmAnHour = 1000;
const hourMs = 3_600_000;

export const checkGeoIp: Evaluate = async (given, { deps, user, request }) => {
  const settings = settingsSchema.parse(given);
  if (request === undefined) throw new Error('There is no visitor whose address could be looked up.');
  const location = await deps.locations.of(request.clientIp);
  const fixed = checkFixed(settings, location);
  if (!fixed.passing) return fixed;
  const { check_history_distance: byDistance, check_impossible_travel: bySpeed } = settings;
  return byDistance || bySpeed ? checkHistory(deps, settings, location, user) : fixed;
};

/** Network or country is among those that are named. */
function checkFixed({ asns, countries }: GeoSettings, { network, place }: Location): PolicyAnswer {
  if (asns.length === 0 && countries.length === 0) return answer(true);
  const messages: string[] = [];
  if (asns.length > 0) {
    if (network === undefined || network === null) throw new Error('The network of the address is not known.');
    if (asns.includes(network.asn)) return answer(true);
    messages.push(`${network.asn} is not in the list of allowed autonomous systems.`);
  }
  if (countries.length > 0) {
    if (place === undefined || place === null || place.country === '')
      throw new Error('The country of the address is not known.');
    if (countries.includes(place.country)) return answer(true);
    messages.push(`${place.country} is not in the list of allowed countries.`);
  }
  return answer(false, ...messages);
}

interface EarlierLogin {
  readonly created: Date;
  readonly lat: number;
  readonly long: number;
}

/** Against the last logins of the account; without any it passes. */
async function checkHistory(
  deps: CoreDeps,
  settings: GeoSettings,
  { place }: Location,
  user: UserRecord | undefined,
): Promise<PolicyAnswer> {
  if (place === undefined) throw new Error('There is no location database.');
  const here = pointOf(place);
  if (here === undefined) return answer(false, 'The place of the address is not known.');
  const earlier = user === undefined ? [] : await earlierLogins(deps, user, settings.history_login_count);
  for (const login of earlier) {
    const km = distanceKm(here, login);
    const hours = Math.max(1, Math.floor((deps.clock.now() - login.created.getTime()) / hourMs));
    if (settings.check_history_distance && km >= settings.history_max_distance_km + settings.distance_tolerance_km)
      return answer(false, 'Distance from previous authentication is larger than threshold.');
    if (settings.check_impossible_travel && km >= kmAnHour * hours + settings.distance_tolerance_km)
      return answer(false, 'Distance is further than possible.');
  }
  return answer(true);
}

function pointOf(place: Location['place']): Point | undefined {
  if (place?.lat === undefined || place.lat === null || place.long === null) return undefined;
  return { lat: place.lat, long: place.long };
}

async function earlierLogins({ database }: CoreDeps, { id }: UserRecord, count: number): Promise<EarlierLogin[]> {
  const { rows } = await sql<EarlierLogin>`
    select created, (context->'geo'->>'lat')::float8 as lat, (context->'geo'->>'long')::float8 as long from events
    where action = 'login' and "user"->>'pk' = ${String(id)}
      and context->'geo'->>'lat' is not null and context->'geo'->>'long' is not null
    order by created desc limit ${count}`.execute(database.kysely);
  return rows;
}
