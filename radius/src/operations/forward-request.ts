// Access- and Accounting-Requests of other realms: handed on to their home servers, answered with what these say. Trouble on
// the way is silence, never a Reject: the device tries its second server.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { type Attribute, firstValue, packetCode } from '@gatehouse/wire/radius';
import type { AdmittedRequest, Answer, Operation } from '../datagram/request.ts';
import { type Forwarded, forward } from '../home-servers/forwarding.ts';
import type { HomeServer } from '../home-servers/home-server.ts';
import type { HomeServers } from '../home-servers/home-servers.ts';
import type { Whose } from '../policy/policy.ts';
import { forwardedRequest, isLoop, returnedAttributes } from '../realms/forwarded-packet.ts';
import type { Route } from '../realms/realms.ts';
import type { StatesOfServers } from '../realms/states.ts';

export interface ForwardOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly servers: HomeServers;
  readonly states: StatesOfServers;
  /** Of our Proxy-States. */
  readonly mark: Buffer;
  /** `undefined`: decided here. */
  readonly routeOf: (app: string, username: string) => Route | undefined;
  /** What the policy file adds to an Accept of a realm. */
  readonly policyAttributes: (app: string, whose: Whose, given: readonly Attribute[]) => readonly Attribute[];
  readonly count: (server: string, result: string) => void;
}

const userNameType = 1;
const stateType = 24;

/** @param local what answers where no realm says otherwise */
export function createForwardRequest(options: ForwardOptions, local: Operation): Operation {
  return (request) => {
    const name = firstValue(request.packet, userNameType)?.toString('utf8') ?? '';
    const route = options.routeOf(request.provider.app, name);
    if (route === undefined) return local(request);
    const via = { realm: route.realm === '' ? 'NULL' : route.realm, username: name };
    if (request.packet.code !== packetCode.accountingRequest) return forwardOne(options, request, route, via);
    switch (route.rule.accounting) {
      case 'local':
        return local(request);
      case 'home':
        return forwardOne(options, request, route, via);
      case 'both':
        return keepAndForward(options, request, { route, via, local });
    }
  };
}

type Via = Pick<Answer, 'realm' | 'username'>;

async function keepAndForward(
  options: ForwardOptions,
  request: AdmittedRequest,
  { route, via, local }: { readonly route: Route; readonly via: Via; readonly local: Operation },
): Promise<Answer> {
  const kept = await local(request);
  return kept.kind === 'reply' ? forwardOne(options, request, route, via) : kept;
}

function forwardOne(
  options: ForwardOptions,
  request: AdmittedRequest,
  route: Route,
  via: Via,
): Answer | Promise<Answer> {
  if (request.owner !== undefined) return { kind: 'elsewhere', ...via };
  if (isLoop(request.packet, options.mark)) return { kind: 'silence', reason: 'proxy_loop', ...via };
  return handOn(options, request, route).then((answer) => ({ ...answer, ...via }));
}

async function handOn(options: ForwardOptions, request: AdmittedRequest, route: Route): Promise<Answer> {
  const { clock, mark, count } = options;
  const servers = serversOf(options, request, route);
  const forwarded = await forward({
    clock,
    servers,
    timeoutMs: route.rule.timeoutMs,
    whenRepeated: (act) => request.repetitions.whenRepeated(act),
    compose: (server) => forwardedRequest(request, route, server, mark),
  });
  if (forwarded.kind === 'answered') return answerOf(options, request, route, forwarded);
  count(forwarded.server, forwarded.reason);
  return { kind: 'silence', reason: forwarded.reason, homeServer: forwarded.server };
}

/** A conversation that has begun at one of them goes on there: no other knows its State. */
function serversOf({ servers, states }: ForwardOptions, { packet }: AdmittedRequest, { rule }: Route): HomeServer[] {
  const named = servers.named(rule.homeServers);
  const state = firstValue(packet, stateType);
  const begun = state && states.serverOf(state);
  return begun === undefined ? named : named.filter(({ name }) => name === begun);
}

function answerOf(
  { log, states, policyAttributes, count }: ForwardOptions,
  { packet, key, provider }: AdmittedRequest,
  { rule, realm }: Route,
  { server, reply, sent }: Extract<Forwarded, { kind: 'answered' }>,
): Answer {
  const { code } = reply;
  const result = results.get(code);
  const homeServer = server.name;
  count(homeServer, result ?? 'unexpected_code');
  const isAccounting = packet.code === packetCode.accountingRequest;
  if (result === undefined || isAccounting !== (code === packetCode.accountingResponse))
    return { kind: 'silence', reason: 'home_server_silent', homeServer };
  const from = { authenticator: sent.authenticator, key: server.key };
  const { attributes, dropped } = returnedAttributes(reply, rule, from, { authenticator: packet.authenticator, key });
  if (dropped.length > 0)
    log.debug('attributes of the home server not passed on', {
      home_server: homeServer,
      realm,
      attributes: dropped.join(' '),
    });
  if (code === packetCode.accessChallenge) states.remember(firstValue(reply, stateType), homeServer);
  const own = code === packetCode.accessAccept ? policyAttributes(provider.app, { realm }, attributes) : [];
  const answer = { kind: 'reply', code, attributes: [...attributes, ...own], homeServer } as const;
  return code === packetCode.accessReject ? { ...answer, reason: 'home_server_rejected' } : answer;
}

const results: ReadonlyMap<number, string> = new Map([
  [packetCode.accessAccept, 'accept'],
  [packetCode.accessReject, 'reject'],
  [packetCode.accessChallenge, 'challenge'],
  [packetCode.accountingResponse, 'accounting'],
]);
