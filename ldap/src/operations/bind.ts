// Bind (RFC 4511 §4.2, RFC 4513; ldap.md §6). A failed bind leaves the connection anonymous.
import { type Control, controlOid, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { readBindName } from '../authentication/bind-name.ts';
import type { Identity } from '../authentication/logins.ts';
import { Refusal } from '../errors.ts';
import { userDn } from '../providers/provider.ts';
import type { Answer, OperationContext } from './context.ts';
import type { Soon } from './soon.ts';

type BindRequest = Extract<RequestOp, { op: 'bindRequest' }>;

/** @throws Refusal, or whatever went wrong; success is the return and nothing else */
export function bind(request: BindRequest, context: OperationContext): Soon<Answer> {
  const { peer, config } = context;
  peer.identity = undefined;
  peer.boundName = '';
  peer.cursors.clear();
  const { name, authentication, version } = request;
  if (version !== 3) throw new Refusal(resultCode.protocolError, 'only LDAP version 3 is spoken here');
  if (authentication.kind === 'sasl')
    throw new Refusal(resultCode.authMethodNotSupported, `SASL ${authentication.mechanism} is not supported`);
  const { password } = authentication;
  if (name === '' && password.length === 0) return anonymous(context);
  if (password.length === 0)
    throw new Refusal(resultCode.unwillingToPerform, 'a name without a password proves nothing (RFC 4513 §5.1.2)');
  if (!peer.secure && config.ldap.require_tls !== 'off')
    throw new Refusal(resultCode.confidentialityRequired, 'passwords are accepted over TLS only');
  const identity = authenticate(name, password, context);
  const accept = (found: Identity): Answer => {
    peer.identity = found;
    peer.boundName = name;
    return succeeded(context);
  };
  return identity instanceof Promise ? identity.then(accept) : accept(identity);
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

function authenticate(name: string, password: Buffer, context: OperationContext): Soon<Identity> {
  const { core, peer } = context;
  const found = readBindName(name, core.providers());
  if (found === undefined) {
    // Before the core has answered once, nobody can say whether the name is any good.
    if (core.providers().length === 0)
      throw new Refusal(resultCode.unavailable, 'no provider is known yet', { reason: 'no_provider' });
    throw new Refusal(resultCode.insufficientAccessRights, '', {
      logged: 'the name is below no base',
      reason: 'no_provider',
    });
  }
  const attempt = { ...found, password, clientIp: peer.clientIp };
  return core.logins.recall(attempt) ?? core.logins.authenticate(attempt);
}
