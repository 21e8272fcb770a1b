// The websocket to outposts (core-contract §5): upgrade with the service account's token, an acknowledgement for each
// message, the state of the instance, and what is pushed.
import type { IncomingMessage } from 'node:http';
import { decodeMessage, deltaSupport, encodeMessage, instruction } from '@gatehouse/contract/control-channel';
import { principalOfToken } from '../api/authentication.ts';
import type { WebSocket, WebsocketEndpoint } from '../api/websockets.ts';
import type { CoreDeps } from '../deps.ts';
import { may } from '../identity/permissions.ts';
import type { Instance } from './channels.ts';
import { reportInstance } from './instances.ts';

const silenceLimitMs = 60_000;

export function controlChannel(deps: CoreDeps): WebsocketEndpoint {
  return {
    path: /^\/ws\/outpost\/([0-9a-f-]{36})\/$/,
    async admit(request, url, outpost) {
      if (!(await isAllowed(deps, request, outpost))) return 403;
      const uid = url.searchParams.get('instance_uuid') ?? '';
      if (uid === '' || uid.length > 64) return 400;
      const name = await nameOf(deps, outpost);
      return name === undefined ? 403 : (client) => attach(deps, client, { outpost, name, uid });
    },
  };
}

async function isAllowed(deps: CoreDeps, request: IncomingMessage, outpost: string): Promise<boolean> {
  const bearer = /^Bearer +(\S.*)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) return false;
  const principal = await principalOfToken(deps, bearer).catch(() => undefined);
  return principal !== undefined && may(principal, 'authentik_outposts.view_outpost', outpost);
}

async function nameOf({ database }: CoreDeps, outpost: string): Promise<string | undefined> {
  const found = await database.kysely
    .selectFrom('outposts')
    .select('name')
    .where('uuid', '=', outpost)
    .executeTakeFirst();
  return found?.name;
}

function attach(deps: CoreDeps, client: WebSocket, instance: Instance): void {
  const { outpost, name, uid } = instance;
  const connected = deps.channels.connect(instance, (text) => client.send(text));
  let args: Record<string, unknown> = {};
  let silence = setTimeout(() => client.terminate(), silenceLimitMs);
  client.on('message', (data, isBinary) => {
    clearTimeout(silence);
    silence = setTimeout(() => client.terminate(), silenceLimitMs);
    const message = isBinary ? undefined : decodeMessage(String(data));
    if (message === undefined || message.instruction === instruction.ack) return;
    if (message.instruction === instruction.hello) {
      args = { ...args, ...message.args };
      if (args['ak_delta'] === deltaSupport.ak_delta) connected.wantsDeltas();
    }
    client.send(encodeMessage({ instruction: instruction.ack, args: {} }));
    deps.metrics.outpostUpdates.set(
      { outpost: name, uid, version: String(args['version'] ?? '') },
      deps.clock.now() / 1000,
    );
    reportInstance(deps, { outpost, uid, args }).catch((error: unknown) =>
      deps.log.warn('instance not recorded', { error: error instanceof Error ? error.message : String(error) }),
    );
  });
  client.on('close', () => {
    clearTimeout(silence);
    connected.detach();
  });
  client.on('error', () => client.terminate());
}
