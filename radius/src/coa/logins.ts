// Which device holds which session of the core, so that its end reaches the device (radius.md B10). Bounded; an entry goes
// with its session, with the device's Stop, or after a day.
import type { Clock } from '@gatehouse/daemon/async';
import type { PacketKey } from '@gatehouse/wire/radius';
import { type Attribute, firstValue } from '@gatehouse/wire/radius';
import type { Access } from '../core.ts';
import type { AdmittedRequest } from '../datagram/request.ts';

export interface NasLogin {
  readonly client: string;
  /** Where it listens for Disconnect-Requests. */
  readonly port: number;
  readonly key: PacketKey;
  /** User-Name and what tells this session from others on the device. */
  readonly attributes: readonly Attribute[];
  acctSessionId: Buffer | undefined;
}

export interface NasLogins {
  remember(request: AdmittedRequest, access: Access): void;
  /** The device tells its own name of the session, or its end. */
  link(request: AdmittedRequest, isEnd: boolean): void;
  /** All logins of an ended session; they are forgotten. */
  take(sessionId: string): readonly NasLogin[];
  readonly size: number;
}

const maxLogins = 100_000;
const lifeMs = 24 * 3_600_000;
/** NAS-IP-Address, NAS-Port, Calling-Station-Id, NAS-Identifier, NAS-Port-Id, NAS-IPv6-Address. */
const identifying = new Set([4, 5, 31, 32, 87, 95]);
const acctSessionId = 44;

export function createNasLogins(clock: Clock): NasLogins {
  const bySession = new Map<string, { atMs: number; logins: Map<string, NasLogin> }>();
  const byPlace = new Map<string, NasLogin>();
  const drop = (sessionId: string) => {
    for (const place of bySession.get(sessionId)?.logins.keys() ?? []) byPlace.delete(place);
    bySession.delete(sessionId);
  };
  return {
    remember(request, access) {
      const nowMs = clock.monotonicMs();
      for (const [old, { atMs }] of bySession) {
        if (nowMs - atMs < lifeMs && bySession.size < maxLogins) break;
        drop(old);
      }
      const { attributes: given } = request.packet;
      const attributes = [{ type: 1, value: firstValue(request.packet, 1) ?? Buffer.from(access.username) }];
      const login: NasLogin = {
        client: request.client,
        port: request.settings.coaPort,
        key: request.key,
        attributes: [...attributes, ...given.filter(({ type }) => identifying.has(type))],
        acctSessionId: firstValue(request.packet, acctSessionId),
      };
      const kept = bySession.get(access.sessionId) ?? { atMs: nowMs, logins: new Map<string, NasLogin>() };
      const place = placeOf(request);
      kept.logins.set(place, login);
      byPlace.set(place, login);
      bySession.set(access.sessionId, kept);
    },
    link(request, isEnd) {
      const place = placeOf(request);
      const login = byPlace.get(place);
      if (login === undefined) return;
      login.acctSessionId = firstValue(request.packet, acctSessionId) ?? login.acctSessionId;
      if (!isEnd) return;
      byPlace.delete(place);
      for (const [sessionId, { logins }] of bySession) {
        if (logins.get(place) !== login) continue;
        logins.delete(place);
        if (logins.size === 0) bySession.delete(sessionId);
        return;
      }
    },
    take(sessionId) {
      const logins = [...(bySession.get(sessionId)?.logins.values() ?? [])];
      drop(sessionId);
      return logins;
    },
    get size() {
      return bySession.size;
    },
  };
}

/** Device, user and station: the same in the login and in the accounting of it. */
function placeOf({ client, packet }: AdmittedRequest): string {
  return [client, ...[1, 31].map((type) => firstValue(packet, type)?.toString('hex') ?? '')].join('|');
}
