// Password modify (RFC 3062; ldap.md §16.3, §19.9): over TLS, for oneself, with the old password, by the core's own flow. A
// password that the client leaves to us is made up, and told once. What is not so is refused with the reason; nothing is changed here that the core's rules have not seen.
import { decodePasswordModify, encodeGeneratedPassword, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { readBindName } from '../authentication/bind-name.ts';
import { generatePassword } from '../authentication/generated-password.ts';
import type { Identity } from '../authentication/logins.ts';
import { Refusal } from '../errors.ts';
import type { Answer, OperationContext } from './context.ts';

type ExtendedRequest = Extract<RequestOp, { op: 'extendedRequest' }>;

/** @throws Refusal, WireError, or whatever went wrong */
export async function passwordModify({ value }: ExtendedRequest, context: OperationContext): Promise<Answer> {
  const { peer, core, config } = context;
  const { identity } = peer;
  if (!peer.secure) throw new Refusal(resultCode.confidentialityRequired, 'passwords are changed over TLS only');
  const flowSlug = config.ldap.password_modify;
  if (flowSlug === '') throw new Refusal(resultCode.unwillingToPerform, 'password changes are disabled');
  if (identity === undefined)
    throw new Refusal(resultCode.insufficientAccessRights, 'changing a password needs a bind');
  const { userIdentity, oldPassword, newPassword } = decodePasswordModify(value);
  if (userIdentity !== undefined && !isOwn(userIdentity, identity, context))
    throw new Refusal(resultCode.insufficientAccessRights, 'only the own password can be changed');
  if (oldPassword === undefined || oldPassword.length === 0)
    throw new Refusal(resultCode.unwillingToPerform, 'the old password is needed');
  const isGenerated = newPassword === undefined || newPassword.length === 0;
  const wanted = isGenerated ? generatePassword() : newPassword.toString('utf8');
  const change = {
    identity,
    oldPassword,
    newPassword: wanted,
    clientIp: peer.clientIp,
    flowSlug,
  };
  const outcome = await core.logins.changePassword(change);
  if (outcome.kind === 'refused') throw new Refusal(resultCode.constraintViolation, outcome.message);
  if (outcome.kind === 'unanswerable')
    throw new Refusal(resultCode.unwillingToPerform, 'the flow for password changes needs a browser', {
      logged: `the flow ${flowSlug} stops at ${outcome.component}: it must ask for the new password and nothing else`,
    });
  const op = { op: 'extendedResponse', resultCode: resultCode.success } as const;
  return { op: isGenerated ? { ...op, responseValue: encodeGeneratedPassword(wanted) } : op };
}

function isOwn(userIdentity: string, { provider, username }: Identity, { core }: OperationContext): boolean {
  const fold = (text: string) => text.normalize('NFKC').toLowerCase();
  const named = readBindName(userIdentity.replace(/^dn:/, ''), core.providers());
  if (named !== undefined) return named.provider.pk === provider.pk && fold(named.username) === fold(username);
  return fold(userIdentity.replace(/^u:/, '')) === fold(username);
}
