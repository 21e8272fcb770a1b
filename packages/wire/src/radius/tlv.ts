// Attributes that hold attributes (RFC 6929 §2.3), as bytes, and as people write them: `{ IP-Port-Limit = 10, … }`. Called by
// dictionary.ts, which knows their names.
import { malformed, tooLarge } from '../errors.ts';

export interface Tlv {
  readonly type: number;
  readonly value: Buffer;
}

/** @returns `undefined` for bytes that are not such a list; an empty one is none (RFC 6929 §2.3) */
export function decodeTlvs(value: Buffer): Tlv[] | undefined {
  const found: Tlv[] = [];
  for (let at = 0; at < value.length; ) {
    const size = value.length - at < 2 ? 0 : value.readUInt8(at + 1);
    if (size < 2 || at + size > value.length) return undefined;
    found.push({ type: value.readUInt8(at), value: value.subarray(at + 2, at + size) });
    at += size;
  }
  return found.length === 0 ? undefined : found;
}

/** @throws WireError `ERR_WIRE_TOO_LARGE` for a value over 253 bytes */
export function encodeTlvs(tlvs: readonly Tlv[]): Buffer {
  return Buffer.concat(
    tlvs.flatMap(({ type, value }) => {
      if (value.length > maxTlvBytes) throw tooLarge(`a TLV of type ${type} has ${value.length} bytes`);
      return [Buffer.of(type, value.length + 2), value];
    }),
  );
}

const maxTlvBytes = 253;

export interface WrittenTlv {
  readonly name: string;
  /** Without its quotes. */
  readonly text: string;
  /** It was in quotes: never bytes, a list or a name. */
  readonly isQuoted: boolean;
}

const item = /\s*([\w.-]+)\s*=\s*("(?:[^"\\]|\\.)*"|\{[^{}]*\}|[^,{}"]*[^,{}"\s])\s*(?:,|$)/y;

/** @throws WireError `ERR_WIRE_MALFORMED` unless it is `{ Name = value, … }`; texts with commas or braces stand in quotes */
export function readWrittenTlvs(text: string): WrittenTlv[] {
  const list = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (list === undefined) throw notAList(text);
  const found: WrittenTlv[] = [];
  item.lastIndex = 0;
  while (item.lastIndex < list.length) {
    const [, name, value] = item.exec(list) ?? [];
    if (name === undefined || value === undefined) throw notAList(text);
    const isQuoted = value.startsWith('"');
    found.push({ name, text: isQuoted ? unquote(value) : value, isQuoted });
  }
  if (found.length === 0) throw notAList(text);
  return found;
}

function notAList(text: string) {
  return malformed(`"${text}" is not a list such as { Name = value, Name = "value" }`);
}

export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/gs, '$1');
}
