// Extended operations but StartTLS, which belongs to the connection (ldap.md §16.3).
import { extendedOid, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';
import { userDn } from '../providers/provider.ts';
import type { Answer, OperationContext } from './context.ts';

type ExtendedRequest = Extract<RequestOp, { op: 'extendedRequest' }>;

export function extended(request: ExtendedRequest, context: OperationContext): Answer {
  switch (request.name) {
    case extendedOid.whoAmI:
      return whoAmI(request, context);
    case extendedOid.passwordModify:
      throw new Refusal(
        context.peer.secure ? resultCode.unwillingToPerform : resultCode.confidentialityRequired,
        'password changes are disabled',
      );
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
