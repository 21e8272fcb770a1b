// Search filters (RFC 4511 §4.5.1.7): decoded into a tree, never by way of text. Depth and node count are limited while
// decoding, so a nested bomb costs no more than its limit.
import { type BerReader, boolean, element, octetString } from '../ber/index.ts';
import { malformed, tooLarge } from '../errors.ts';
import type { DecodeLimits } from './messages.ts';

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | {
      readonly kind: 'equalityMatch' | 'greaterOrEqual' | 'lessOrEqual' | 'approxMatch';
      readonly attribute: string;
      readonly value: Buffer;
    }
  | { readonly kind: 'present'; readonly attribute: string }
  | Substrings
  | ExtensibleMatch;

export interface Substrings {
  readonly kind: 'substrings';
  readonly attribute: string;
  readonly initial: Buffer | undefined;
  readonly any: readonly Buffer[];
  readonly final: Buffer | undefined;
}

export interface ExtensibleMatch {
  readonly kind: 'extensibleMatch';
  readonly rule: string | undefined;
  readonly attribute: string | undefined;
  readonly value: Buffer;
  readonly dnAttributes: boolean;
}

const assertionTags = { 163: 'equalityMatch', 165: 'greaterOrEqual', 166: 'lessOrEqual', 168: 'approxMatch' } as const;
const assertionTagOf = { equalityMatch: 0xa3, greaterOrEqual: 0xa5, lessOrEqual: 0xa6, approxMatch: 0xa8 } as const;

export function decodeFilter(reader: BerReader, limits: DecodeLimits): Filter {
  return decodeNode(reader, { depth: limits.maxDepth, nodes: { left: limits.maxFilterNodes } });
}

interface Budget {
  readonly depth: number;
  readonly nodes: { left: number };
}

function decodeNode(reader: BerReader, budget: Budget): Filter {
  budget.nodes.left -= 1;
  if (budget.depth <= 0 || budget.nodes.left < 0) throw tooLarge('filter has too many levels or nodes');
  const tag = reader.peekTag();
  switch (tag) {
    case 0xa0:
    case 0xa1:
      return { kind: tag === 0xa0 ? 'and' : 'or', filters: decodeSet(reader.enter(tag), deeper(budget)) };
    case 0xa2: {
      const inner = reader.enter(tag);
      const filter = decodeNode(inner, deeper(budget));
      inner.end();
      return { kind: 'not', filter };
    }
    case 0xa3:
    case 0xa5:
    case 0xa6:
    case 0xa8: {
      const inner = reader.enter(tag);
      const found = { kind: assertionTags[tag], attribute: inner.text(), value: inner.octets() };
      inner.end();
      return found;
    }
    case 0xa4:
      return decodeSubstrings(reader.enter(tag));
    case 0x87:
      return { kind: 'present', attribute: reader.text(tag) };
    case 0xa9:
      return decodeExtensible(reader.enter(tag));
    default:
      throw malformed(`filter of kind 0x${tag.toString(16)}`);
  }
}

function deeper(budget: Budget): Budget {
  return { depth: budget.depth - 1, nodes: budget.nodes };
}

function decodeSet(reader: BerReader, budget: Budget): Filter[] {
  const filters: Filter[] = [];
  while (!reader.done) filters.push(decodeNode(reader, budget));
  return filters;
}

function decodeSubstrings(reader: BerReader): Substrings {
  const attribute = reader.text();
  const pieces = reader.enter(0x30);
  reader.end();
  if (pieces.done) throw malformed('substrings without a piece');
  const initial = pieces.peekTag() === 0x80 ? pieces.octets(0x80) : undefined;
  const any: Buffer[] = [];
  while (pieces.peekTag() === 0x81) any.push(pieces.octets(0x81));
  const final = pieces.peekTag() === 0x82 ? pieces.octets(0x82) : undefined;
  pieces.end();
  return { kind: 'substrings', attribute, initial, any, final };
}

function decodeExtensible(reader: BerReader): ExtensibleMatch {
  const rule = reader.peekTag() === 0x81 ? reader.text(0x81) : undefined;
  const attribute = reader.peekTag() === 0x82 ? reader.text(0x82) : undefined;
  const value = reader.octets(0x83);
  const dnAttributes = reader.peekTag() === 0x84 ? reader.boolean(0x84) : false;
  reader.end();
  return { kind: 'extensibleMatch', rule, attribute, value, dnAttributes };
}

export function encodeFilter(filter: Filter): Buffer {
  switch (filter.kind) {
    case 'and':
      return element(0xa0, ...filter.filters.map(encodeFilter));
    case 'or':
      return element(0xa1, ...filter.filters.map(encodeFilter));
    case 'not':
      return element(0xa2, encodeFilter(filter.filter));
    case 'present':
      return octetString(filter.attribute, 0x87);
    case 'substrings':
      return encodeSubstrings(filter);
    case 'extensibleMatch':
      return encodeExtensible(filter);
    default:
      return element(assertionTagOf[filter.kind], octetString(filter.attribute), octetString(filter.value));
  }
}

function encodeSubstrings(filter: Substrings): Buffer {
  const pieces = [
    ...(filter.initial === undefined ? [] : [octetString(filter.initial, 0x80)]),
    ...filter.any.map((piece) => octetString(piece, 0x81)),
    ...(filter.final === undefined ? [] : [octetString(filter.final, 0x82)]),
  ];
  return element(0xa4, octetString(filter.attribute), element(0x30, ...pieces));
}

function encodeExtensible(filter: ExtensibleMatch): Buffer {
  return element(
    0xa9,
    ...(filter.rule === undefined ? [] : [octetString(filter.rule, 0x81)]),
    ...(filter.attribute === undefined ? [] : [octetString(filter.attribute, 0x82)]),
    octetString(filter.value, 0x83),
    ...(filter.dnAttributes ? [boolean(true, 0x84)] : []),
  );
}
