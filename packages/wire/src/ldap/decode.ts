// Decoding of LDAP messages (RFC 4511 §4.1.1). The caller has cut the stream with `frameSize`; what is decoded here is one
// whole message.
import { BerReader } from '../ber/index.ts';
import { malformed, tooLarge } from '../errors.ts';
import { decodeFilter } from './filter.ts';
import type {
  Authentication,
  Control,
  DecodeLimits,
  LdapMessage,
  LdapResult,
  RequestOp,
  ResponseOp,
  Scope,
  SearchRequest,
} from './messages.ts';
import type { ResultCode } from './result-code.ts';

const maxMessageId = 2 ** 31 - 1;
const scopes: readonly Scope[] = ['baseObject', 'singleLevel', 'wholeSubtree', 'subordinateSubtree'];

/**
 * @param bytes exactly one message; strings are copied out, octet values are views on it
 * @throws WireError; `messageId` of the envelope is lost then, the stream is over
 */
export function decodeRequest(bytes: Buffer, limits: DecodeLimits): LdapMessage<RequestOp> {
  return decodeEnvelope(bytes, limits, decodeRequestOp);
}

/** The client's direction: probes, tests and tools. */
export function decodeResponse(bytes: Buffer, limits: DecodeLimits): LdapMessage<ResponseOp> {
  return decodeEnvelope(bytes, limits, decodeResponseOp);
}

function decodeEnvelope<Op>(
  bytes: Buffer,
  limits: DecodeLimits,
  decodeOp: (reader: BerReader, limits: DecodeLimits) => Op,
): LdapMessage<Op> {
  if (bytes.length > limits.maxBytes) throw tooLarge(`message of ${bytes.length} bytes`);
  const outer = new BerReader(bytes);
  const reader = outer.enter(0x30);
  outer.end();
  const messageId = reader.integer();
  if (messageId < 0 || messageId > maxMessageId) throw malformed(`message id ${messageId}`);
  const op = decodeOp(reader, limits);
  const controls = reader.peekTag() === 0xa0 ? decodeControls(reader.enter(0xa0)) : [];
  reader.end();
  return { messageId, op, controls };
}

function decodeRequestOp(reader: BerReader, limits: DecodeLimits): RequestOp {
  const tag = reader.peekTag();
  switch (tag) {
    case 0x60:
      return decodeBind(reader.enter(tag));
    case 0x42:
      reader.null(tag);
      return { op: 'unbindRequest' };
    case 0x63:
      return decodeSearch(reader.enter(tag), limits);
    case 0x6e:
      return decodeCompare(reader.enter(tag));
    case 0x66:
      return { op: 'modifyRequest', entry: reader.enter(tag).text() };
    case 0x68:
      return { op: 'addRequest', entry: reader.enter(tag).text() };
    case 0x4a:
      return { op: 'delRequest', entry: reader.text(tag) };
    case 0x6c:
      return { op: 'modifyDNRequest', entry: reader.enter(tag).text() };
    case 0x50:
      return { op: 'abandonRequest', target: reader.integer(tag) };
    case 0x77:
      return decodeExtendedRequest(reader.enter(tag));
    default:
      throw malformed(`operation 0x${tag.toString(16)}`);
  }
}

function decodeBind(reader: BerReader): RequestOp {
  const version = reader.integer();
  const name = reader.text();
  const authentication = decodeAuthentication(reader);
  reader.end();
  return { op: 'bindRequest', version, name, authentication };
}

function decodeAuthentication(reader: BerReader): Authentication {
  if (reader.peekTag() === 0x80) return { kind: 'simple', password: reader.octets(0x80) };
  const sasl = reader.enter(0xa3);
  const mechanism = sasl.text();
  const credentials = sasl.done ? undefined : sasl.octets();
  sasl.end();
  return { kind: 'sasl', mechanism, credentials };
}

function decodeSearch(reader: BerReader, limits: DecodeLimits): SearchRequest {
  const baseObject = reader.text();
  const scope = scopes[reader.integer(0x0a)];
  if (scope === undefined) throw malformed('search scope');
  const derefAliases = reader.integer(0x0a);
  const sizeLimit = reader.integer();
  const timeLimit = reader.integer();
  if (sizeLimit < 0 || timeLimit < 0) throw malformed('negative search limit');
  const typesOnly = reader.boolean();
  const filter = decodeFilter(reader, limits);
  const selection = reader.enter(0x30);
  const attributes: string[] = [];
  while (!selection.done) attributes.push(selection.text());
  reader.end();
  return { op: 'searchRequest', baseObject, scope, derefAliases, sizeLimit, timeLimit, typesOnly, filter, attributes };
}

function decodeCompare(reader: BerReader): RequestOp {
  const entry = reader.text();
  const ava = reader.enter(0x30);
  reader.end();
  const attribute = ava.text();
  const value = ava.octets();
  ava.end();
  return { op: 'compareRequest', entry, attribute, value };
}

function decodeExtendedRequest(reader: BerReader): RequestOp {
  const name = reader.text(0x80);
  const value = reader.peekTag() === 0x81 ? reader.octets(0x81) : undefined;
  reader.end();
  return { op: 'extendedRequest', name, value };
}

/** A control without value, without criticality, with an empty value: all legal (ldap.md §16.2). */
function decodeControls(reader: BerReader): Control[] {
  const controls: Control[] = [];
  while (!reader.done) {
    const control = reader.enter(0x30);
    const type = control.text();
    const criticality = control.peekTag() === 0x01 ? control.boolean() : false;
    const value = control.peekTag() === 0x04 ? control.octets() : undefined;
    control.end();
    controls.push({ type, criticality, value });
  }
  return controls;
}

const resultTags = {
  101: 'searchResultDone',
  103: 'modifyResponse',
  105: 'addResponse',
  107: 'delResponse',
  109: 'modifyDNResponse',
  111: 'compareResponse',
} as const;

function decodeResponseOp(reader: BerReader): ResponseOp {
  const tag = reader.peekTag();
  switch (tag) {
    case 0x61: {
      const inner = reader.enter(tag);
      const result = decodeResult(inner);
      return inner.peekTag() === 0x87
        ? { op: 'bindResponse', ...result, serverSaslCreds: inner.octets(0x87) }
        : { op: 'bindResponse', ...result };
    }
    case 0x64:
      return decodeEntry(reader.enter(tag));
    case 0x65:
    case 0x67:
    case 0x69:
    case 0x6b:
    case 0x6d:
    case 0x6f: {
      const inner = reader.enter(tag);
      const result = decodeResult(inner);
      inner.end();
      return { op: resultTags[tag], ...result };
    }
    case 0x78: {
      const inner = reader.enter(tag);
      const result = decodeResult(inner);
      const responseName = inner.peekTag() === 0x8a ? { responseName: inner.text(0x8a) } : {};
      const responseValue = inner.peekTag() === 0x8b ? { responseValue: inner.octets(0x8b) } : {};
      inner.end();
      return { op: 'extendedResponse', ...result, ...responseName, ...responseValue };
    }
    default:
      throw malformed(`response 0x${tag.toString(16)}`);
  }
}

function decodeResult(reader: BerReader): LdapResult {
  const code = reader.integer(0x0a);
  const matchedDN = reader.text();
  const diagnosticMessage = reader.text();
  if (reader.peekTag() === 0xa3) reader.skip(); // referrals: never sent here, tolerated from others
  return { resultCode: code as ResultCode, matchedDN, diagnosticMessage }; // other servers may send codes beyond our list
}

function decodeEntry(reader: BerReader): ResponseOp {
  const objectName = reader.text();
  const list = reader.enter(0x30);
  reader.end();
  const attributes = [];
  while (!list.done) {
    const one = list.enter(0x30);
    const type = one.text();
    const set = one.enter(0x31);
    const values: Buffer[] = [];
    while (!set.done) values.push(set.octets());
    attributes.push({ type, values });
  }
  return { op: 'searchResultEntry', objectName, attributes };
}
