// Which device holds which session of the core, so that its end, and changes of what it may, reach the device (radius.md B10).
// Bounded; an entry goes with its session, with the device's Stop, with the next login of the same station, or after a day.
import type { Clock } from '@gatehouse/daemon/async';
import type { PacketKey } from '@gatehouse/wire/radius';
import { type Attribute, firstValue } from '@gatehouse/wire/radius';
import { holdsHidden } from '../attributes/rehide.ts';
import type { Access } from '../core.ts';
import type { AdmittedRequest } from '../datagram/request.ts';

export interface NasLogin {
  readonly client: string;
  /** Where it listens for requests. */
  readonly port: number;
  readonly key: PacketKey;
  readonly username: string;
  /** User-Name and what tells this session from others on the device. */
  readonly attributes: readonly Attribute[];
  acctSessionId: Buffer | undefined;
  /** Of the core. */
  readonly sessionId: string;
  /** What it was let in by; `undefined` where changes of a running session are not told. */
  readonly granted: Granted | undefined;
}

/** What a session on a device was granted, and what it takes to look at that again. */
export interface Granted {
  readonly request: AdmittedRequest;
  readonly access: Access;
  /** As it has them now; without those that are hidden under the authenticator of a request. */
  attributes: readonly Attribute[];
}

export interface NasLogins {
  /** @param attributes of the Accept that are about the session */
  remember(request: AdmittedRequest, access: Access, attributes: readonly Attribute[]): void;
  /** The device tells its own name of the session, or its end. */
  link(request: AdmittedRequest, isEnd: boolean): void;
  /** All logins of an ended session; they are forgotten. */
  take(sessionId: string): readonly NasLogin[];
  /** Those that may have changed: of these users, or all. Linear in what is remembered. */
  granted(users?: ReadonlySet<number>): readonly NasLogin[];
  has(login: NasLogin): boolean;
  forget(login: NasLogin): void;
  readonly size: number;
}

const maxLogins = 100_000;
const lifeMs = 24 * 3_600_000;
/** NAS-IP-Address, NAS-Port, Calling-Station-Id, NAS-Identifier, NAS-Port-Id, NAS-IPv6-Address. */
const identifying = new Set([4, 5, 31, 32, 87, 95]);
const acctSessionId = 44;
const callingStation = 31;

export function createNasLogins(clock: Clock): NasLogins {
  const bySession = new Map<string, { atMs: number; logins: Map<string, NasLogin> }>();
  const byPlace = new Map<string, NasLogin>();
  const drop = (sessionId: string) => {
    for (const [place, login] of bySession.get(sessionId)?.logins ?? [])
      if (byPlace.get(place) === login) byPlace.delete(place);
    bySession.delete(sessionId);
  };
  const has = (login: NasLogin) => [...(bySession.get(login.sessionId)?.logins.values() ?? [])].includes(login);
  const forget = (login: NasLogin) => {
    const logins = bySession.get(login.sessionId)?.logins;
    for (const [place, one] of logins ?? []) {
      if (one !== login) continue;
      logins?.delete(place);
      if (byPlace.get(place) === login) byPlace.delete(place);
    }
    if (logins?.size === 0) bySession.delete(login.sessionId);
  };
  return {
    has,
    forget,
    remember(request, access, attributes) {
      const nowMs = clock.monotonicMs();
      for (const [old, { atMs }] of bySession) {
        if (nowMs - atMs < lifeMs && bySession.size < maxLogins) break;
        drop(old);
      }
      const place = placeOf(request);
      const before = byPlace.get(place);
      // A station is on the device once: the end of its earlier session is not the end of this one.
      if (before !== undefined && firstValue(request.packet, callingStation) !== undefined) forget(before);
      const login = loginOf(request, access, attributes);
      const kept = bySession.get(access.sessionId) ?? { atMs: nowMs, logins: new Map<string, NasLogin>() };
      kept.logins.set(place, login);
      byPlace.set(place, login);
      bySession.set(access.sessionId, kept);
    },
    link(request, isEnd) {
      const login = byPlace.get(placeOf(request));
      if (login === undefined) return;
      login.acctSessionId = firstValue(request.packet, acctSessionId) ?? login.acctSessionId;
      if (isEnd) forget(login);
    },
    take(sessionId) {
      const logins = [...(bySession.get(sessionId)?.logins.values() ?? [])];
      drop(sessionId);
      return logins;
    },
    granted(users) {
      const isMeant = ({ granted }: NasLogin) =>
        granted !== undefined && (users === undefined || users.has(granted.access.userPk));
      return [...bySession.values()].flatMap(({ logins }) => [...logins.values()].filter(isMeant));
    },
    get size() {
      return bySession.size;
    },
  };
}

function loginOf(request: AdmittedRequest, access: Access, attributes: readonly Attribute[]): NasLogin {
  const { packet, settings } = request;
  const name = { type: 1, value: firstValue(packet, 1) ?? Buffer.from(access.username) };
  return {
    client: request.client,
    port: settings.coaPort,
    key: request.key,
    username: access.username,
    attributes: [name, ...packet.attributes.filter(({ type }) => identifying.has(type))],
    acctSessionId: firstValue(packet, acctSessionId),
    sessionId: access.sessionId,
    granted:
      settings.coaOnChange === 'nothing'
        ? undefined
        : { request, access, attributes: attributes.filter((one) => !holdsHidden(one)) },
  };
}

/** Device, user and station: the same in the login and in the accounting of it. */
function placeOf({ client, packet }: AdmittedRequest): string {
  return [client, ...[1, callingStation].map((type) => firstValue(packet, type)?.toString('hex') ?? '')].join('|');
}
