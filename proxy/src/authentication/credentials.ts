// Header authentication (proxy.md §11): Bearer by introspection, Basic by the client credentials grant, both remembered for
// a short time under a key that holds everything the answer depended on (CVE GHSA-qvp4-rpmr-xwrr): application, client and
// the header itself. Successes up to 60 s, refusals 5 s, one exchange at a time per key.
import { createHmac, randomBytes } from 'node:crypto';
import { type Clock, createSingleFlight } from '@gatehouse/daemon/async';
import { LRUCache } from 'lru-cache';
import type { Application } from '../applications/application.ts';
import { identityHeaders } from '../identity/identity-headers.ts';
import type { Claims } from '../oidc/claims.ts';
import type { Tokens } from '../oidc/tokens.ts';
import { type VerifiedIdentity, verifiedIdentity } from './identity.ts';

export interface Credentials {
  /** @returns the identity, freshly exchanged or remembered; `undefined` when the header is of no use */
  verify(application: Application, authorization: string): Promise<VerifiedIdentity | undefined>;
  endBySub(sub: string): void;
  endBySid(sid: string): void;
  endAll(): void;
}

interface Remembered {
  readonly application: Application;
  readonly identity: VerifiedIdentity | undefined;
  readonly untilMs: number;
}

const keptMs = 60_000;
const refusalKeptMs = 5_000;
const tokenUser = 'goauthentik.io/token';
const maxLength = 64 * 1024;

export function createCredentials(tokens: Tokens, clock: Pick<Clock, 'now'>): Credentials {
  const processKey = randomBytes(32);
  const known = new LRUCache<string, Remembered>({ max: 10_000 });
  const flights = createSingleFlight<string, VerifiedIdentity | undefined>();
  let endings = 0;
  const exchange = async (application: Application, authorization: string, key: string) => {
    const before = endings;
    const checked = await check(tokens, application, authorization);
    const now = clock.now();
    const claims = checked !== undefined && checked.claims.exp * 1000 > now ? checked.claims : undefined;
    const identity = claims && identityOf(application, claims, checked?.via ?? 'bearer', now);
    const kept = identity === undefined ? refusalKeptMs : Math.min(keptMs, identity.expiresAtMs - now);
    if (before === endings) known.set(key, { application, identity, untilMs: now + kept });
    return identity;
  };
  const dropWhere = (fits: (claims: Claims) => boolean) => {
    endings += 1;
    for (const [key, { identity }] of known) if (identity !== undefined && fits(identity.claims)) known.delete(key);
  };
  return {
    async verify(application, authorization) {
      if (authorization.length > maxLength || !/^(?:bearer|basic) +\S/i.test(authorization)) return undefined;
      const key = createHmac('sha256', processKey).update(`${application.pk}\0${authorization}`).digest('base64');
      const remembered = known.get(key);
      if (remembered?.application === application && remembered.untilMs > clock.now()) {
        return remembered.identity && asCached(remembered.identity);
      }
      let isOwn = false;
      const identity = await flights.run(key, () => {
        isOwn = true;
        return exchange(application, authorization, key);
      });
      return identity === undefined || isOwn ? identity : asCached(identity);
    },
    endBySub: (sub) => dropWhere((claims) => claims.sub === sub),
    endBySid: (sid) => dropWhere((claims) => claims.sid === sid),
    endAll() {
      endings += 1;
      known.clear();
    },
  };
}

interface Checked {
  readonly claims: Claims;
  readonly via: 'bearer' | 'basic';
}

async function check(tokens: Tokens, application: Application, authorization: string): Promise<Checked | undefined> {
  const [scheme = '', rest = ''] = authorization.split(/ +(.*)/s);
  if (scheme.toLowerCase() === 'bearer') return bearer(tokens, application, rest.trim());
  const decoded = Buffer.from(rest.trim(), 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon === -1) return undefined;
  const [user, password] = [decoded.slice(0, colon), decoded.slice(colon + 1)];
  if (user === '' || password === '') return undefined;
  const asToken = user === tokenUser ? await bearer(tokens, application, password) : undefined;
  if (asToken !== undefined) return asToken;
  const claims = await tokens.withPassword(application, user, password);
  return claims && { claims, via: 'basic' };
}

/** What is no JWT, or none of this provider though it says so, costs no round trip; everything else the core decides. */
async function bearer(tokens: Tokens, application: Application, token: string): Promise<Checked | undefined> {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return undefined;
  if (await tokens.isForged(application, token)) return undefined;
  const claims = await tokens.introspect(application, token);
  return claims && { claims, via: 'bearer' };
}

/** Case 88: never longer than the token itself. */
function identityOf(application: Application, claims: Claims, via: Checked['via'], nowMs: number): VerifiedIdentity {
  return verifiedIdentity({
    applicationPk: application.pk,
    claims,
    via,
    expiresAtMs: Math.min(claims.exp * 1000, nowMs + application.sessionLifeMs),
    identityHeaders: identityHeaders(claims, application.headerSource),
  });
}

function asCached(identity: VerifiedIdentity): VerifiedIdentity {
  return verifiedIdentity({ ...identity, via: 'cache' });
}
