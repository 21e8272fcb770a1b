// Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.6): signed like every token of the provider, of their own type,
// fresh, and good once.
import type { Clock } from '@gatehouse/daemon/async';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Application } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import type { TokenVerifier } from './verify.ts';

export interface LogoutTokens {
  /** @throws GatewayError `ERR_PROXY_TOKEN_INVALID` */
  verify(
    application: Application,
    token: string,
  ): Promise<{ readonly sid: string | undefined; readonly sub: string | undefined }>;
}

const event = 'http://schemas.openid.net/event/backchannel-logout';
const freshMs = 5 * 60_000;

const schema = z.object({
  iat: z.number(),
  jti: z.string().min(1),
  events: z.looseObject({ [event]: z.looseObject({}) }),
  sid: z.string().min(1).optional(),
  sub: z.string().min(1).optional(),
  nonce: z.undefined().optional(),
});

export function createLogoutTokens(verifier: TokenVerifier, clock: Pick<Clock, 'now'>): LogoutTokens {
  const used = new LRUCache<string, true>({ max: 50_000 });
  return {
    async verify(application, token) {
      const payload = await verifier.verify(token, application.tokenRules, {
        type: 'logout+jwt',
        requiredClaims: ['iat', 'jti'],
      });
      const claims = schema.safeParse(payload).data;
      if (claims === undefined || (claims.sid === undefined && claims.sub === undefined))
        throw invalid('claims are missing');
      if (Math.abs(clock.now() - claims.iat * 1000) > freshMs) throw invalid('it is not fresh');
      const id = `${application.clientId} ${claims.jti}`;
      if (used.has(id)) throw invalid('it was used before');
      used.set(id, true);
      return { sid: claims.sid, sub: claims.sub };
    },
  };
}

function invalid(reason: string) {
  return proxyError('ERR_PROXY_TOKEN_INVALID', `The logout token is refused: ${reason}.`);
}
