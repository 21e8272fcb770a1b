// Stored entries as SearchResultEntry messages (RFC 4511 §4.5.2), put together from octets that are ready. The attributes are
// gathered in a scratch buffer, because their length comes before them; selection.ts does the same from values, attribute
// by attribute, and is what this is tested against.
import { type ByteSink, headerSize, writeHeader } from '@gatehouse/wire/ber';
import { escapeValue, type MessageId } from '@gatehouse/wire/ldap';
import { type AttributeType, attribute } from './attribute-types.ts';
import { group, user, virtual } from './kinds.ts';
import { encodeAttribute } from './layout.ts';
import { contents, encodedName, endOf } from './records.ts';
import type { Selection } from './selection.ts';
import type { StoredEntry } from './stored-entry.ts';

const scratch = { bytes: Buffer.allocUnsafeSlow(65_536), used: 0 };
/** A scratch that one huge group has made larger than this is let go. */
const largestKept = 4 * 1_048_576;

export function writeStoredEntry(entry: StoredEntry, selection: Selection, messageId: MessageId, sink: ByteSink): void {
  scratch.used = 0;
  gather(entry, selection);
  send(entry, messageId, sink);
  if (scratch.bytes.length > largestKept) scratch.bytes = Buffer.allocUnsafeSlow(65_536);
}

function gather(entry: StoredEntry, selection: Selection): void {
  const { code, layout } = entry;
  const kind = layout.kinds[code];
  if (selection.wants(attribute.objectClass)) append(kind.classesBytes);
  if (code === virtual) appendValues(entry, selection, virtualTypes);
  else appendRecord(entry, selection);
  if (code === user && selection.wants(attribute.uidNumber) && !isStored(entry, attribute.uidNumber))
    appendText(attribute.uidNumber, layout.uidNumberOf(entry.row));
  if (selection.wants(attribute.gidNumber) && (code === virtual || !isStored(entry, attribute.gidNumber)))
    appendText(attribute.gidNumber, layout.gidNumberOf(code, entry.row));
  if (code === group) appendValues(entry, selection, memberTypes);
  if (selection.wants(attribute.memberOf)) appendGroups(entry);
  if (code === group) appendValues(entry, selection, namedMemberTypes);
  if (!selection.namesMore) return;
  if (selection.wants(attribute.entryDN)) appendText(attribute.entryDN, entry.dn);
  for (const [type, bytes] of kind.constantBytes) if (selection.wants(type)) append(bytes);
}

const memberTypes = [attribute.member] as const;
const namedMemberTypes = [attribute.uniqueMember, attribute.memberUid] as const;
const virtualTypes = [
  attribute.cn,
  attribute.sAMAccountName,
  attribute.uid,
  attribute.akSuperuser,
  attribute.member,
  attribute.uniqueMember,
  attribute.memberUid,
  attribute.entryUUID,
] as const;

function isStored({ layout, code, row }: StoredEntry, type: AttributeType): boolean {
  return layout.tableOf(code).records.shapeOf(row).placeOf(type) !== -1;
}

/** The record's part for `*` in one piece; of the rest, attribute by attribute what is wanted. */
function appendRecord({ layout, code, row }: StoredEntry, selection: Selection): void {
  const { records } = layout.tableOf(code);
  const { types } = records.shapeOf(row);
  const bytes = records.bytes(row);
  const start = records.start(row);
  const starEnd = start + records.starLength(row);
  if (selection.star) appendRange(bytes, start, starEnd);
  if (selection.star && !selection.namesMore) return;
  let at = start;
  for (const type of types) {
    const end = endOf(bytes, at);
    if ((at >= starEnd || !selection.star) && selection.wants(type)) appendRange(bytes, at, end);
    at = end;
  }
}

function appendValues(entry: StoredEntry, selection: Selection, types: readonly AttributeType[]): void {
  for (const type of types) if (selection.wants(type)) append(encodeAttribute({ type, values: entry.values(type) }));
}

/** `memberOf`, from the ready names of groups. */
function appendGroups(entry: StoredEntry): void {
  const { layout } = entry;
  const rows = entry.groupRows();
  let length = 0;
  for (const row of rows) length += layout.groupDnBytes(row).length;
  beginAttribute(attribute.memberOf, length);
  for (const row of rows) append(layout.groupDnBytes(row));
}

/** One value of ASCII. */
function appendText(type: AttributeType, value: string): void {
  const length = Buffer.byteLength(value);
  beginAttribute(type, headerSize(length) + length);
  reserve(headerSize(length) + length);
  scratch.used = writeHeader(scratch.bytes, scratch.used, 0x04, length);
  scratch.used += scratch.bytes.write(value, scratch.used);
}

/** Headers and name of an attribute whose values have so many octets. */
function beginAttribute(type: AttributeType, valuesLength: number): void {
  const name = encodedName(type);
  const length = name.length + headerSize(valuesLength) + valuesLength;
  reserve(headerSize(length) + name.length + headerSize(valuesLength));
  scratch.used = writeHeader(scratch.bytes, scratch.used, 0x30, length);
  append(name);
  scratch.used = writeHeader(scratch.bytes, scratch.used, 0x31, valuesLength);
}

function append(piece: Buffer): void {
  appendRange(piece, 0, piece.length);
}

function appendRange(from: Buffer, start: number, end: number): void {
  reserve(end - start);
  from.copy(scratch.bytes, scratch.used, start, end);
  scratch.used += end - start;
}

function reserve(size: number): void {
  if (scratch.used + size <= scratch.bytes.length) return;
  const larger = Buffer.allocUnsafeSlow((scratch.used + size) * 2);
  scratch.bytes.copy(larger, 0, 0, scratch.used);
  scratch.bytes = larger;
}

/** Envelope, name and what was gathered. */
function send({ layout, code, row }: StoredEntry, messageId: MessageId, sink: ByteSink): void {
  const { suffix } = layout.kinds[code];
  const { records } = layout.tableOf(code);
  const source = records.bytes(row);
  const [nameStart, nameEnd] = firstValue(source, records.start(row));
  const isPlain = isPlainName(source, nameStart, nameEnd);
  const escaped = isPlain ? undefined : Buffer.from(escapeValue(source.toString('utf8', nameStart, nameEnd)), 'utf8');
  const nameLength = 3 + (escaped?.length ?? nameEnd - nameStart) + suffix.length;
  const opLength = headerSize(nameLength) + nameLength + headerSize(scratch.used) + scratch.used;
  const idOctets = messageId < 0x80 ? 1 : messageId < 0x8000 ? 2 : messageId < 0x800000 ? 3 : 4;
  const length = 2 + idOctets + headerSize(opLength) + opLength;
  let at = sink.room(headerSize(length) + length);
  const { bytes } = sink;
  at = writeHeader(bytes, at, 0x30, length);
  at = writeHeader(bytes, at, 0x02, idOctets);
  at = bytes.writeUIntBE(messageId, at, idOctets);
  at = writeHeader(bytes, at, 0x64, opLength);
  at = writeHeader(bytes, at, 0x04, nameLength);
  at += commonName.copy(bytes, at);
  at += escaped === undefined ? source.copy(bytes, at, nameStart, nameEnd) : escaped.copy(bytes, at);
  at += suffix.copy(bytes, at);
  at = writeHeader(bytes, at, 0x30, scratch.used);
  scratch.bytes.copy(bytes, at, 0, scratch.used);
}

const commonName = Buffer.from('cn=');

/** Where the one value of the first attribute of a record is: its `cn`. */
function firstValue(bytes: Buffer, record: number): readonly [number, number] {
  const value = contents(bytes, endOf(bytes, contents(bytes, record)));
  return [contents(bytes, value), endOf(bytes, value)];
}

/** Letters, digits and what else names are made of: nothing that `escapeValue` would touch. */
function isPlainName(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (plain[bytes[at] ?? 0] !== 1) return false;
  return true;
}

const plain = new Uint8Array(256);
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@')
  plain[character.charCodeAt(0)] = 1;
