// The bytes of a reply (radius.md §7): Message-Authenticator first, then what the operation says, then every Proxy-State of
// the request in its order. Both or neither: Proxy-State reflected behind a late Message-Authenticator is CVE-2024-3596.
import { hasAttribute, messageAuthenticator, packetCode, signReply } from '@gatehouse/wire/radius';
import type { AdmittedRequest, Answer } from './request.ts';

const proxyState = 33;

/** @throws WireError `ERR_WIRE_TOO_LARGE` */
export function composeReply(request: AdmittedRequest, answer: Extract<Answer, { kind: 'reply' }>): Buffer {
  // RFC 2866 knows no Message-Authenticator in accounting answers, and old clients compute it in two ways (§11.4).
  const isAccounting = request.packet.code === packetCode.accountingRequest;
  const attributes = isAccounting ? [...answer.attributes] : [messageAuthenticator, ...answer.attributes];
  if (hasAttribute(request.packet, proxyState))
    attributes.push(...request.packet.attributes.filter(({ type }) => type === proxyState));
  return signReply({ code: answer.code, attributes }, request.packet, request.key);
}
