// Bind (RFC 4511 §4.2, RFC 4513; ldap.md §6). A failed bind leaves the connection anonymous.
import { type Control, controlOid, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { readBindName } from '../authentication/bind-name.ts';
import type { BindAttempt, Identity } from '../authentication/logins.ts';
import { readSasl, type SaslRequest } from '../authentication/sasl.ts';
import { Refusal } from '../errors.ts';
import { userDn } from '../providers/provider.ts';
import type { Answer, OperationContext } from './context.ts';
import type { Soon } from './soon.ts';

type BindRequest = Extract<RequestOp, { op: 'bindRequest' }>;

/** @throws Refusal, or whatever went wrong; success is the return and nothing else */
export function bind(request: BindRequest, context: OperationContext): Soon<Answer> {
  const { peer } = context;
  peer.identity = undefined;
  peer.boundName = '';
  peer.cursors.clear();
  const { name, authentication, version } = request;
  if (version !== 3) throw new Refusal(resultCode.protocolError, 'only LDAP version 3 is spoken here');
  const attempt =
    authentication.kind === 'sasl' ? saslAttempt(authentication, context) : simpleAttempt(request, context);
  if (attempt === undefined) return anonymous(context);
  const accept = (found: Identity): Answer => {
    peer.identity = found;
    peer.boundName = name === '' ? userDn(found.username, found.provider) : name;
    return succeeded(context);
  };
  const known = context.core.logins.recall(attempt);
  context.metrics.bindCache[known === undefined ? 'miss' : 'hit'].add();
  return known === undefined ? context.core.logins.authenticate(attempt).then(accept) : accept(known);
}

function saslAttempt(request: SaslRequest, { core, peer }: OperationContext): BindAttempt | undefined {
  const found = readSasl(request, peer, core.providers());
  return found === undefined ? undefined : { ...found, clientIp: peer.clientIp };
}

/** `undefined` for an anonymous bind. */
function simpleAttempt({ name, authentication }: BindRequest, context: OperationContext): BindAttempt | undefined {
  const { core, peer, config } = context;
  const password = authentication.kind === 'simple' ? authentication.password : Buffer.alloc(0);
  if (name === '' && password.length === 0) return undefined;
  if (password.length === 0)
    throw new Refusal(resultCode.unwillingToPerform, 'a name without a password proves nothing (RFC 4513 §5.1.2)');
  const found = readBindName(name, core.providers(), config.ldap.extra_bind_forms);
  if (found !== undefined)
    return { provider: found.provider, username: found.username, password, clientIp: peer.clientIp };
  // Before the core has answered once, nobody can say whether the name is any good.
  if (core.providers().length === 0)
    throw new Refusal(resultCode.unavailable, 'no provider is known yet', { reason: 'no_provider' });
  throw new Refusal(resultCode.insufficientAccessRights, '', {
    logged: 'the name is below no base',
    reason: 'no_provider',
  });
}

/** The only place where a bind is answered with success. */
function succeeded({ peer: { identity }, controls }: OperationContext): Answer {
  const op = { op: 'bindResponse', resultCode: resultCode.success } as const;
  const wanted = controls.some(({ type }) => type === controlOid.authorizationIdentityRequest);
  if (!wanted) return { op };
  const authzId = identity === undefined ? '' : `dn:${userDn(identity.username, identity.provider)}`;
  const response: Control = {
    type: controlOid.authorizationIdentityResponse,
    criticality: false,
    value: Buffer.from(authzId, 'utf8'),
  };
  return { op, controls: [response] };
}

function anonymous(context: OperationContext): Answer {
  if (context.config.ldap.anonymous_bind === 'refuse')
    throw new Refusal(resultCode.insufficientAccessRights, 'anonymous binds are refused', { reason: 'no_provider' });
  return succeeded(context);
}
