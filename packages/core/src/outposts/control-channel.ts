// The websocket to outposts (core-contract §5): upgrade with the service account's token, an acknowledgement for each
// message, the state of the instance, and what is pushed.
import type { IncomingMessage } from 'node:http';
import { decodeMessage, deltaSupport, encodeMessage, instruction } from '@gatehouse/contract/control-channel';
import { principalOfToken } from '../api/authentication.ts';
import type { WebSocket, WebsocketEndpoint } from '../api/websockets.ts';
import type { CoreDeps } from '../deps.ts';
import { may } from '../identity/permissions.ts';
import { reportInstance } from './instances.ts';

const silenceLimitMs = 60_000;

export function controlChannel(deps: CoreDeps): WebsocketEndpoint {
  return {
    path: /^\/ws\/outpost\/([0-9a-f-]{36})\/$/,
    async admit(request, url, outpost) {
      if (!(await isAllowed(deps, request, outpost))) return 403;
      const uid = url.searchParams.get('instance_uuid') ?? '';
      if (uid === '' || uid.length > 64) return 400;
      return (client) => attach(deps, client, outpost, uid);
    },
  };
}

async function isAllowed(deps: CoreDeps, request: IncomingMessage, outpost: string): Promise<boolean> {
  const bearer = /^Bearer +(\S.*)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) return false;
  const principal = await principalOfToken(deps, bearer).catch(() => undefined);
  return principal !== undefined && may(principal, 'authentik_outposts.view_outpost', outpost);
}

function attach(deps: CoreDeps, client: WebSocket, outpost: string, uid: string): void {
  const instance = deps.channels.connect(outpost, (text) => client.send(text));
  let args: Record<string, unknown> = {};
  let silence = setTimeout(() => client.terminate(), silenceLimitMs);
  client.on('message', (data, isBinary) => {
    clearTimeout(silence);
    silence = setTimeout(() => client.terminate(), silenceLimitMs);
    const message = isBinary ? undefined : decodeMessage(String(data));
    if (message === undefined || message.instruction === instruction.ack) return;
    if (message.instruction === instruction.hello) {
      args = { ...args, ...message.args };
      if (args['ak_delta'] === deltaSupport.ak_delta) instance.wantsDeltas();
    }
    client.send(encodeMessage({ instruction: instruction.ack, args: {} }));
    reportInstance(deps, { outpost, uid, args }).catch((error: unknown) =>
      deps.log.warn('instance not recorded', { error: error instanceof Error ? error.message : String(error) }),
    );
  });
  client.on('close', () => {
    clearTimeout(silence);
    instance.detach();
  });
  client.on('error', () => client.terminate());
}
