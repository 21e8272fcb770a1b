// Stored entries as SearchResultEntry messages (RFC 4511 §4.5.2), put together from octets that are ready. The attributes are
// gathered in a scratch buffer, because their length comes before them; selection.ts does the same from values, attribute
// by attribute, and is what this is tested against.
import { type ByteSink, headerSize, writeHeader } from '@gatehouse/wire/ber';
import { escapeValue, type MessageId, messageSize, writeMessageHead } from '@gatehouse/wire/ldap';
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
  if (code === virtual) appendVirtual(entry, selection);
  else appendRecord(entry, selection);
  if (code === user && selection.wants(attribute.uidNumber) && !isStored(entry, attribute.uidNumber))
    appendText(attribute.uidNumber, layout.uidNumberOf(entry.row));
  if (selection.wants(attribute.gidNumber) && (code === virtual || !isStored(entry, attribute.gidNumber)))
    appendText(attribute.gidNumber, layout.gidNumberOf(code, entry.row));
  if (code === group) appendValues(entry, selection, attribute.member);
  if (selection.wants(attribute.memberOf)) appendGroups(entry);
  if (!selection.namesMore) return;
  if (code !== user) {
    appendValues(entry, selection, attribute.uniqueMember);
    appendValues(entry, selection, attribute.memberUid);
  }
  if (code === virtual) appendValues(entry, selection, attribute.entryUUID);
  if (selection.wants(attribute.entryDN)) appendText(attribute.entryDN, entry.dn);
  for (const [type, bytes] of kind.constantBytes) if (selection.wants(type)) append(bytes);
  if (code !== user) appendValues(entry, selection, attribute.memberTransitive);
  if (code !== virtual) appendValues(entry, selection, attribute.memberOfTransitive);
}

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

function appendValues(entry: StoredEntry, selection: Selection, type: AttributeType): void {
  if (selection.wants(type)) append(encodeAttribute({ type, values: entry.values(type) }));
}

/** What a virtual group has of its user. */
function appendVirtual(entry: StoredEntry, selection: Selection): void {
  const { layout, row } = entry;
  const { records } = layout.directory.users;
  const bytes = records.bytes(row);
  let at = records.start(row);
  for (const type of records.shapeOf(row).types) {
    const end = endOf(bytes, at);
    if (type === attribute.cn || type === attribute.sAMAccountName || type === attribute.uid) {
      if (selection.wants(type)) appendRange(bytes, at, end);
      if (type === attribute.uid) break; // the last of the three
    }
    at = end;
  }
  if (selection.wants(attribute.akSuperuser)) append(notSuperuser);
  if (selection.wants(attribute.member)) appendText(attribute.member, entry.values(attribute.member)[0] ?? '');
}

const notSuperuser = encodeAttribute({ type: attribute.akSuperuser, values: ['false'] });

/** `memberOf`, from the ready names of groups. */
function appendGroups(entry: StoredEntry): void {
  const { layout } = entry;
  const rows = entry.groupRows();
  let length = 0;
  for (const row of rows) length += layout.groupDnBytes(row).length;
  beginAttribute(attribute.memberOf, length);
  for (const row of rows) append(layout.groupDnBytes(row));
}

/** One value. */
function appendText(type: AttributeType, value: string): void {
  const length = Buffer.byteLength(value);
  beginAttribute(type, headerSize(length) + length);
  reserve(headerSize(length) + length);
  const { bytes } = scratch;
  let at = writeHeader(bytes, scratch.used, 0x04, length);
  // As many octets as characters means ASCII, and numbers are short.
  if (length === value.length && length < 16)
    for (let place = 0; place < length; place += 1) bytes[at + place] = value.charCodeAt(place);
  else bytes.write(value, at, 'utf8');
  at += length;
  scratch.used = at;
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
  const length = end - start;
  reserve(length);
  copyOctets(from, start, length, scratch.bytes, scratch.used);
  scratch.used += length;
}

/** A short copy costs less than the call of a library function. */
function copyOctets(from: Buffer, start: number, length: number, to: Buffer, at: number): void {
  if (length > 48) from.copy(to, at, start, start + length);
  else for (let offset = 0; offset < length; offset += 1) to[at + offset] = from[start + offset] ?? 0;
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
  const room = sink.room(messageSize(messageId, headerSize(opLength) + opLength));
  const { bytes } = sink;
  let at = writeMessageHead(bytes, room, messageId, headerSize(opLength) + opLength);
  at = writeHeader(bytes, at, 0x64, opLength);
  at = writeHeader(bytes, at, 0x04, nameLength);
  at = writeName(bytes, at, escaped ?? source.subarray(nameStart, nameEnd), suffix);
  at = writeHeader(bytes, at, 0x30, scratch.used);
  scratch.bytes.copy(bytes, at, 0, scratch.used);
}

function writeName(bytes: Buffer, start: number, name: Buffer, suffix: Buffer): number {
  bytes[start] = 0x63;
  bytes[start + 1] = 0x6e;
  bytes[start + 2] = 0x3d;
  copyOctets(name, 0, name.length, bytes, start + 3);
  copyOctets(suffix, 0, suffix.length, bytes, start + 3 + name.length);
  return start + 3 + name.length + suffix.length;
}

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
