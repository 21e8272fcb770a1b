// What a connection says by itself, without an operation behind it.
import {
  extendedOid,
  type LdapMessage,
  type MessageId,
  type ResponseOp,
  type ResultCode,
  resultCode,
} from '@gatehouse/wire/ldap';

type Response = LdapMessage<ResponseOp>;

/** RFC 4511 §4.4.1: the connection ends. */
export function noticeOfDisconnection(code: ResultCode, diagnosticMessage: string): Response {
  const responseName = extendedOid.noticeOfDisconnection;
  return {
    messageId: 0,
    op: { op: 'extendedResponse', resultCode: code, diagnosticMessage, responseName },
    controls: [],
  };
}

/** RFC 4511 §4.14.2. */
export function startTlsResponse(messageId: MessageId, code: ResultCode): Response {
  const responseName = extendedOid.startTls;
  return { messageId, op: { op: 'extendedResponse', resultCode: code, responseName }, controls: [] };
}

/** RFC 3909 §2.2, to whoever has canceled. */
export function cancelResponse(messageId: MessageId, code: ResultCode): Response {
  return { messageId, op: { op: 'extendedResponse', resultCode: code }, controls: [] };
}

/** RFC 3909 §2.3, of the search that was canceled. */
export function canceledSearch(messageId: MessageId): Response {
  return { messageId, op: { op: 'searchResultDone', resultCode: resultCode.canceled }, controls: [] };
}
