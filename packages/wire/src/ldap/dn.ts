// Distinguished names (RFC 4514), read leniently as clients write them (spaces around separators, `;`, `#hex`), compared
// by a normalised key: types and values folded, insignificant space removed, parts of an RDN sorted (ldap.md §5.2).
import { BerReader } from '../ber/index.ts';
import { malformed } from '../errors.ts';

declare const brand: unique symbol;
/** Normalised text of a DN: two DNs are the same exactly when their keys are. The empty DN is the empty text. */
export type DnKey = string & { readonly [brand]: 'DnKey' };

export interface AttributeValue {
  readonly type: string;
  readonly value: string;
}
/** One or more type-value pairs. */
export type Rdn = readonly AttributeValue[];
/** From the entry to the root. */
export type Dn = readonly Rdn[];

/** @throws WireError `ERR_WIRE_MALFORMED` */
export function parseDn(text: string): Dn {
  const cursor = { text, at: 0 };
  skipSpace(cursor);
  if (cursor.at === text.length) return [];
  const rdns: Rdn[] = [];
  let rdn: AttributeValue[] = [];
  for (;;) {
    rdn.push(parsePair(cursor));
    const separator = text[cursor.at];
    cursor.at += 1;
    if (separator === '+') continue;
    rdns.push(rdn);
    rdn = [];
    if (separator === undefined) return rdns;
  }
}

interface Cursor {
  readonly text: string;
  at: number;
}

function parsePair(cursor: Cursor): AttributeValue {
  const match = /^\s*(?:oid\.)?([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=\s*/i.exec(
    cursor.text.slice(cursor.at, cursor.at + 256),
  );
  if (match === null) throw malformed(`no attribute type at position ${cursor.at} of the DN`);
  cursor.at += match[0].length;
  return {
    type: match[1] ?? '',
    value: cursor.text[cursor.at] === '#' ? parseHexValue(cursor) : parseTextValue(cursor),
  };
}

/** `#` and the BER of the value; string types only, which is all that names here can be. */
function parseHexValue(cursor: Cursor): string {
  const match = /^#((?:[0-9a-fA-F]{2})+)\s*(?=[,;+]|$)/.exec(cursor.text.slice(cursor.at));
  if (match === null) throw malformed(`no hexadecimal value at position ${cursor.at} of the DN`);
  cursor.at += match[0].length;
  const reader = new BerReader(Buffer.from(match[1] ?? '', 'hex'));
  const value = reader.text(reader.peekTag());
  reader.end();
  return value;
}

function parseTextValue(cursor: Cursor): string {
  const { text } = cursor;
  const octets: Buffer[] = [];
  let significant = 0;
  if (text[cursor.at] === '"') return parseQuotedValue(cursor);
  while (cursor.at < text.length && !',;+'.includes(text.charAt(cursor.at))) {
    const code = text.codePointAt(cursor.at) ?? 0;
    const character = String.fromCodePoint(code);
    if (character === '\\') {
      octets.push(parseEscape(cursor));
      significant = octets.length;
      continue;
    }
    if (character === '"' || character === '\0')
      throw malformed(`character at position ${cursor.at} of the DN must be escaped`);
    octets.push(Buffer.from(character, 'utf8'));
    if (character !== ' ') significant = octets.length;
    cursor.at += character.length;
  }
  return decodeUtf8(Buffer.concat(octets.slice(0, significant)));
}

/** RFC 1779 quoting, still sent by old clients. */
function parseQuotedValue(cursor: Cursor): string {
  const match = /^"((?:[^"\\]|\\.)*)"\s*(?=[,;+]|$)/s.exec(cursor.text.slice(cursor.at));
  if (match === null) throw malformed(`quoted value at position ${cursor.at} of the DN does not end`);
  cursor.at += match[0].length;
  return (match[1] ?? '').replace(/\\(.)/gs, '$1');
}

function parseEscape(cursor: Cursor): Buffer {
  const pair = cursor.text.slice(cursor.at + 1, cursor.at + 3);
  if (/^[0-9a-fA-F]{2}$/.test(pair)) {
    cursor.at += 3;
    return Buffer.from(pair, 'hex');
  }
  const special = cursor.text.charAt(cursor.at + 1);
  if (special === '' || !' "#+,;<=>\\'.includes(special)) throw malformed(`escape at position ${cursor.at} of the DN`);
  cursor.at += 2;
  return Buffer.from(special);
}

function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw malformed('value of the DN is not UTF-8');
  return text;
}

function skipSpace(cursor: Cursor): void {
  while (cursor.text[cursor.at] === ' ') cursor.at += 1;
}

export function formatDn(dn: Dn): string {
  return dn.map((rdn) => rdn.map(({ type, value }) => `${type}=${escapeValue(value)}`).join('+')).join(',');
}

/** RFC 4514 §2.4: what must be escaped and nothing else, so ordinary names stay as they are. */
export function escapeValue(value: string): string {
  const escaped = value
    .replace(/[\\",+;<>]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, '\\$&');
  return value.length > 1 && value.endsWith(' ') ? `${escaped.slice(0, -1)}\\ ` : escaped;
}

export function dnKey(dn: Dn): DnKey {
  return dn.map(rdnKey).join(',') as DnKey;
}

/** A DN whose key is its own text in lower case: ASCII, nothing escaped, quoted or in need of it, no odd spaces. */
const plainPair = String.raw`[A-Za-z][A-Za-z0-9-]*=[\w.@:/$&!?()*'%|{}~^[\]-]+(?: [\w.@:/$&!?()*'%|{}~^[\]-]+)*`;
const plainDn = new RegExp(`^${plainPair}(?:,${plainPair})*$`);

/** Key of a DN whose names and values stand in its text as they are, parted by commas alone; others have to be parsed. */
export function plainDnKey(text: string): DnKey | undefined {
  return plainDn.test(text) ? (text.toLowerCase() as DnKey) : undefined;
}

/** Key of a DN given as text, or `undefined` when it is none. */
export function dnKeyOf(text: string): DnKey | undefined {
  const plain = plainDnKey(text);
  if (plain !== undefined) return plain;
  try {
    return dnKey(parseDn(text));
  } catch {
    return undefined; // the caller treats what is no DN as matching nothing
  }
}

function rdnKey(rdn: Rdn): string {
  const pairs = rdn.map(({ type, value }) => `${type.toLowerCase()}=${escapeValue(foldValue(value))}`);
  return (pairs.length === 1 ? pairs : pairs.sort()).join('+');
}

const beyondAscii = /[^ -~]/;

/** Case-insensitive, with insignificant spaces removed (RFC 4518 §2.6.1). */
export function foldValue(value: string): string {
  const folded = (beyondAscii.test(value) ? value.normalize('NFKC') : value).toLowerCase();
  return folded.includes(' ') ? folded.trim().replace(/ {2,}/g, ' ') : folded;
}

/** True when `ancestor` is `dn` itself or above it. */
export function isWithin(dn: DnKey, ancestor: DnKey): boolean {
  return (
    ancestor === '' ||
    dn === ancestor ||
    (dn.endsWith(ancestor) &&
      dn[dn.length - ancestor.length - 1] === ',' &&
      !isEscapedAt(dn, dn.length - ancestor.length - 1))
  );
}

/** Key of the parent; the root's parent is `undefined`. */
export function parentKey(dn: DnKey): DnKey | undefined {
  if (dn === '') return undefined;
  for (let at = dn.indexOf(','); at !== -1; at = dn.indexOf(',', at + 1)) {
    if (!isEscapedAt(dn, at)) return dn.slice(at + 1) as DnKey;
  }
  return '' as DnKey;
}

function isEscapedAt(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
