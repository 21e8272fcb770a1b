// What is not answered in clear text (ldap.md §2.5; RFC 4511 §4.1.9): confidentialityRequired, before anything is done.
import { type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';
import type { OperationContext } from './context.ts';

/** Whoever wants to find out how to get in may read the root DSE and bind as nobody. @throws Refusal */
export function requireConfidentiality(op: RequestOp, { peer, config }: OperationContext): void {
  const { require_tls: policy } = config.ldap;
  if (policy === 'off' || peer.secure) return;
  if (op.op === 'bindRequest' && !isAnonymous(op))
    throw new Refusal(resultCode.confidentialityRequired, 'passwords are accepted over TLS only');
  const isHarmless = op.op === 'bindRequest' || (op.op === 'searchRequest' && op.baseObject === '');
  if (policy === 'everything' && !isHarmless)
    throw new Refusal(resultCode.confidentialityRequired, 'requests are answered over TLS only');
}

function isAnonymous({ name, authentication }: Extract<RequestOp, { op: 'bindRequest' }>): boolean {
  return name === '' && authentication.kind === 'simple' && authentication.password.length === 0;
}
