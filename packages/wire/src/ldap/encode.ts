// Encoding of LDAP messages. `encodeEntryOp` is apart so that a directory can keep the bytes of an entry and only put an
// envelope around them per request.
import { type ByteSink, boolean, element, headerSize, integer, octetString, writeHeader } from '../ber/index.ts';
import { encodeFilter } from './filter.ts';
import type {
  Attribute,
  Control,
  LdapMessage,
  LdapResult,
  MessageId,
  RequestOp,
  ResponseOp,
  Scope,
} from './messages.ts';
import type { ResultCode } from './result-code.ts';

const responseTags = {
  bindResponse: 0x61,
  searchResultDone: 0x65,
  modifyResponse: 0x67,
  addResponse: 0x69,
  delResponse: 0x6b,
  modifyDNResponse: 0x6d,
  compareResponse: 0x6f,
  extendedResponse: 0x78,
} as const;

export function encodeResponse({ messageId, op, controls }: LdapMessage<ResponseOp>): Buffer {
  return encodeEnvelope(messageId, encodeResponseOp(op), controls);
}

/** What `encodeResponse` makes of it, straight to where it goes. */
export function writeResponse(response: LdapMessage<ResponseOp>, sink: ByteSink): void {
  const { messageId, op, controls } = response;
  if (controls.length === 0 && isBare(op)) writeBareResult(messageId, responseTags[op.op], op.resultCode, sink);
  else {
    const message = encodeResponse(response);
    const at = sink.room(message.length); // before `bytes` is read: it may be another buffer afterwards
    sink.bytes.set(message, at);
  }
}

/** A result code and nothing else, as most answers are. */
function isBare(op: ResponseOp): op is Exclude<ResponseOp, { op: 'searchResultEntry' }> {
  if (op.op === 'searchResultEntry' || op.resultCode > 0x7f) return false;
  if ((op.matchedDN ?? '') !== '' || (op.diagnosticMessage ?? '') !== '') return false;
  if (op.op === 'bindResponse') return op.serverSaslCreds === undefined;
  return op.op !== 'extendedResponse' || (op.responseName === undefined && op.responseValue === undefined);
}

/** A code, and two empty strings. */
function writeBareResult(messageId: MessageId, tag: number, code: ResultCode, sink: ByteSink): void {
  const start = sink.room(messageSize(messageId, 9));
  const { bytes } = sink;
  const at = writeMessageHead(bytes, start, messageId, 9);
  bytes[at] = tag;
  bytes[at + 1] = 7;
  bytes[at + 2] = 0x0a;
  bytes[at + 3] = 1;
  bytes[at + 4] = code;
  bytes[at + 5] = 0x04;
  bytes[at + 6] = 0;
  bytes[at + 7] = 0x04;
  bytes[at + 8] = 0;
}

function octetsOf(messageId: MessageId): number {
  return messageId < 0x80 ? 1 : messageId < 0x8000 ? 2 : messageId < 0x800000 ? 3 : 4;
}

/** The beginning of a message up to its operation of so many octets. @returns where the operation goes */
export function writeMessageHead(bytes: Buffer, start: number, messageId: MessageId, opLength: number): number {
  const octets = octetsOf(messageId);
  let at = writeHeader(bytes, start, 0x30, 2 + octets + opLength);
  at = writeHeader(bytes, at, 0x02, octets);
  for (let octet = octets - 1; octet >= 0; octet -= 1, at += 1) bytes[at] = (messageId >>> (8 * octet)) & 0xff;
  return at;
}

/** Octets of a whole message around an operation of so many. */
export function messageSize(messageId: MessageId, opLength: number): number {
  const length = 2 + octetsOf(messageId) + opLength;
  return headerSize(length) + length;
}

/** What `encodeEnvelope` makes of an operation, straight to where it goes. */
export function writeMessage(messageId: MessageId, op: Buffer, sink: ByteSink): void {
  const at = sink.room(messageSize(messageId, op.length)); // before `bytes` is read: it may be another buffer afterwards
  op.copy(sink.bytes, writeMessageHead(sink.bytes, at, messageId, op.length));
}

/** Envelope around an operation that is encoded already. */
export function encodeEnvelope(messageId: MessageId, op: Uint8Array, controls: readonly Control[] = []): Buffer {
  return controls.length === 0
    ? element(0x30, integer(messageId), op)
    : element(0x30, integer(messageId), op, encodeControls(controls));
}

function encodeResponseOp(op: ResponseOp): Buffer {
  if (op.op === 'searchResultEntry') return encodeEntryOp(op.objectName, op.attributes);
  const parts = encodeResult(op);
  if (op.op === 'bindResponse' && op.serverSaslCreds !== undefined) parts.push(octetString(op.serverSaslCreds, 0x87));
  if (op.op === 'extendedResponse') {
    if (op.responseName !== undefined) parts.push(octetString(op.responseName, 0x8a));
    if (op.responseValue !== undefined) parts.push(octetString(op.responseValue, 0x8b));
  }
  return element(responseTags[op.op], ...parts);
}

/** SearchResultEntry without envelope. */
export function encodeEntryOp(objectName: string, attributes: readonly Attribute[]): Buffer {
  return element(0x64, octetString(objectName), element(0x30, ...attributes.map(encodeAttribute)));
}

function encodeAttribute({ type, values }: Attribute): Buffer {
  return element(0x30, octetString(type), element(0x31, ...values.map((value) => octetString(value))));
}

function encodeResult({ resultCode, matchedDN = '', diagnosticMessage = '' }: LdapResult): Buffer[] {
  return [integer(resultCode, 0x0a), octetString(matchedDN), octetString(diagnosticMessage)];
}

function encodeControls(controls: readonly Control[]): Buffer {
  const rows = controls.map(({ type, criticality, value }) => {
    const parts = [
      octetString(type),
      ...(criticality ? [boolean(true)] : []),
      ...(value === undefined ? [] : [octetString(value)]),
    ];
    return element(0x30, ...parts);
  });
  return element(0xa0, ...rows);
}

const scopeNumbers: Readonly<Record<Scope, number>> = {
  baseObject: 0,
  singleLevel: 1,
  wholeSubtree: 2,
  subordinateSubtree: 3,
};

/** The client's direction: probes, tests and tools. Updates carry their entry name only. */
export function encodeRequest({ messageId, op, controls }: LdapMessage<RequestOp>): Buffer {
  return encodeEnvelope(messageId, encodeRequestOp(op), controls);
}

function encodeRequestOp(op: RequestOp): Buffer {
  switch (op.op) {
    case 'bindRequest': {
      const { authentication: how } = op;
      const choice =
        how.kind === 'simple'
          ? octetString(how.password, 0x80)
          : element(
              0xa3,
              octetString(how.mechanism),
              ...(how.credentials === undefined ? [] : [octetString(how.credentials)]),
            );
      return element(0x60, integer(op.version), octetString(op.name), choice);
    }
    case 'unbindRequest':
      return element(0x42);
    case 'searchRequest':
      return element(
        0x63,
        octetString(op.baseObject),
        integer(scopeNumbers[op.scope], 0x0a),
        integer(op.derefAliases, 0x0a),
        integer(op.sizeLimit),
        integer(op.timeLimit),
        boolean(op.typesOnly),
        encodeFilter(op.filter),
        element(0x30, ...op.attributes.map((name) => octetString(name))),
      );
    case 'compareRequest':
      return element(0x6e, octetString(op.entry), element(0x30, octetString(op.attribute), octetString(op.value)));
    case 'delRequest':
      return octetString(op.entry, 0x4a);
    case 'modifyRequest':
      return element(0x66, octetString(op.entry), element(0x30));
    case 'addRequest':
      return element(0x68, octetString(op.entry), element(0x30));
    case 'modifyDNRequest':
      return element(0x6c, octetString(op.entry), octetString('cn=x'), boolean(true));
    case 'abandonRequest':
      return integer(op.target, 0x50);
    case 'extendedRequest':
      return element(
        0x77,
        octetString(op.name, 0x80),
        ...(op.value === undefined ? [] : [octetString(op.value, 0x81)]),
      );
  }
}
