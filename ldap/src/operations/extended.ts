// Extended operations but StartTLS and cancel, which belong to the connection (ldap.md §16.3).
import { extendedOid, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';
import { userDn } from '../providers/provider.ts';
import type { Answer, OperationContext } from './context.ts';
import { passwordModify } from './password-modify.ts';
import type { Soon } from './soon.ts';

type ExtendedRequest = Extract<RequestOp, { op: 'extendedRequest' }>;

export function extended(request: ExtendedRequest, context: OperationContext): Soon<Answer> {
  switch (request.name) {
    case extendedOid.whoAmI:
      return whoAmI(request, context);
    case extendedOid.passwordModify:
      return passwordModify(request, context);
    default:
      throw new Refusal(resultCode.protocolError, 'unknown extended operation');
  }
}

/** RFC 4532. */
function whoAmI({ value }: ExtendedRequest, { peer: { identity } }: OperationContext): Answer {
  if (value !== undefined) throw new Refusal(resultCode.protocolError, 'Who am I? takes no value');
  const authzId = identity === undefined ? '' : `dn:${userDn(identity.username, identity.provider)}`;
  return {
    op: { op: 'extendedResponse', resultCode: resultCode.success, responseValue: Buffer.from(authzId, 'utf8') },
  };
}
