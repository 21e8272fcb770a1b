// Tells a client that a session it took part in has ended (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.5).

import { randomBytes } from 'node:crypto';
import { within } from '@gatehouse/daemon/async';
import { z } from 'zod';
import type { Actor } from '../tasks/actor.ts';
import { clientByKey } from './client.ts';
import { sendLogoutActor } from './participants.ts';
import { sign } from './signing.ts';

const shape = z.object({ provider: z.number(), issuer: z.string(), sub: z.string(), sid: z.string() });
const answerMs = 30_000;
const lifeSeconds = 120;

export const sendLogout: Actor = {
  name: sendLogoutActor,
  description: 'Tell a client that a session has ended.',
  async run({ deps, args, log, signal }) {
    const { provider, issuer, sub, sid } = shape.parse(args);
    const client = await clientByKey(deps, provider);
    if (client === undefined || client.logout_uri === '') {
      log('info', 'The provider is gone, or wants to hear no more');
      return;
    }
    const now = Math.floor(deps.clock.now() / 1000);
    const claims = {
      iss: issuer,
      sub,
      aud: client.client_id,
      iat: now,
      exp: now + lifeSeconds,
      jti: randomBytes(16).toString('hex'),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      sid,
    };
    const logout_token = await sign(deps, client, claims, 'logout+jwt');
    const response = await fetch(client.logout_uri, {
      method: 'POST',
      body: new URLSearchParams({ logout_token }),
      redirect: 'error',
      signal: within(answerMs, signal),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${client.logout_uri} answered ${response.status} to a logout token.`);
    log('info', 'The client knows', { provider: client.name });
  },
};
