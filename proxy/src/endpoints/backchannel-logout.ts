// OpenID Connect Back-Channel Logout 1.0 at `PFX/backchannel_logout` (proxy.md §17.10): the core says itself which session
// or user is over. The control channel says the same; this works where only HTTP gets through.
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { ModeContext } from '../modes/context.ts';
import { type Answer, noStore } from '../request/answer.ts';

const json = [...noStore, 'Content-Type', 'application/json'];

export async function backchannelLogout({ application, request, rooms }: ModeContext): Promise<Answer> {
  if (request.method !== 'POST') return refused('only POST is answered here');
  const form = new URLSearchParams(await request.readBody());
  try {
    const { sid, sub } = await rooms.logoutTokens.verify(application, form.get('logout_token') ?? '');
    if (sid !== undefined) await rooms.endCoreSession(sid);
    else if (sub !== undefined) {
      await rooms.sessions.endBySub(sub);
      rooms.endCredentials(sub);
    }
    return { kind: 'public', status: 200, headers: json, body: '{}\n' };
  } catch (error) {
    if (!isGatewayError(error) || error.code !== 'ERR_PROXY_TOKEN_INVALID') throw error;
    return refused(error.message);
  }
}

/** §2.8 of that specification: 400 with an OAuth error. */
function refused(error_description: string): Answer {
  const body = `${JSON.stringify({ error: 'invalid_request', error_description })}\n`;
  return { kind: 'refused', status: 400, headers: json, body };
}
