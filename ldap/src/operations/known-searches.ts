// Searches that were asked before. Applications ask the same few over and over, so a bound client's search without controls
// is decoded once, and what it found in memory is sent again as the octets it was, for as long as no row has changed. The
// plain way, which this must never differ from, is `decodeRequest` and search.ts; known-searches.test.ts compares the two.
import type { ByteSink } from '@gatehouse/wire/ber';
import {
  type DecodeLimits,
  decodeRequest,
  type Filter,
  type LdapMessage,
  type RequestOp,
  type Scope,
  type SearchRequest,
} from '@gatehouse/wire/ldap';
import type { Cursor } from '../controls/cursors.ts';
import type { Entry } from '../directory/entry.ts';
import type { Layout } from '../directory/layout.ts';
import type { Selection } from '../directory/selection.ts';

/** With `longestRequest` and `longestAnswer`, some 50 MiB when every search is another and finds as much as is kept. */
const mostKept = 16_384;
const longestRequest = 512;
/** Octets of all entries together. */
const longestAnswer = 2_048;

/** A search that may hold its answer. */
export class KnownSearch implements SearchRequest {
  readonly op = 'searchRequest';
  readonly baseObject: string;
  readonly scope: Scope;
  readonly derefAliases: number;
  readonly sizeLimit: number;
  readonly timeLimit: number;
  readonly typesOnly: boolean;
  readonly filter: Filter;
  readonly attributes: readonly string[];
  #isLarge = false;
  #entries: readonly Buffer[] | undefined;
  #layoutId = 0;
  #version = 0;

  constructor(request: SearchRequest) {
    this.baseObject = request.baseObject;
    this.scope = request.scope;
    this.derefAliases = request.derefAliases;
    this.sizeLimit = request.sizeLimit;
    this.timeLimit = request.timeLimit;
    this.typesOnly = request.typesOnly;
    this.filter = request.filter;
    this.attributes = request.attributes;
  }

  /** SearchResultEntry operations without envelopes, all that the search finds; `undefined` when that is not known. */
  answerIn(layout: Layout): readonly Buffer[] | undefined {
    return this.#layoutId === layout.id && this.#version === layout.directory.version ? this.#entries : undefined;
  }

  /** Its answer is not worth keeping. */
  get isLarge(): boolean {
    return this.#isLarge;
  }

  /** It found more than is kept, and is not tried again. */
  keepNone(): void {
    this.#isLarge = true;
  }

  /** @param entries what the search has found in the layout as it is now, in order */
  keepAnswer(layout: Layout, entries: readonly Buffer[]): void {
    this.#entries = entries;
    this.#layoutId = layout.id;
    this.#version = layout.directory.version;
  }
}

/** Keeps what a search has found in the layout as it is now, where it is small. */
export function keepAnswer(request: KnownSearch, layout: Layout, { entries, selection }: Found): void {
  if (request.isLarge) return;
  const ops: Buffer[] = [];
  let octets = 0;
  for (const entry of entries) {
    const op = operationOf(entry, selection);
    octets += op.length;
    if (octets > longestAnswer) {
      request.keepNone();
      return;
    }
    ops.push(op);
  }
  request.keepAnswer(layout, ops);
}

type Found = Pick<Cursor, 'entries' | 'selection'>;

const captured: ByteSink & { bytes: Buffer } = {
  bytes: Buffer.alloc(0),
  room(size) {
    captured.bytes = Buffer.allocUnsafe(size);
    return 0;
  },
};

/** SearchResultEntry without its envelope, whose message id takes three octets here. */
function operationOf(entry: Entry, selection: Selection): Buffer {
  selection.write(entry, 1, captured);
  const { bytes } = captured;
  const first = bytes[1] ?? 0;
  return bytes.subarray((first < 0x80 ? 2 : 2 + (first & 0x7f)) + 3);
}

const noControls: LdapMessage<RequestOp>['controls'] = [];

export class KnownSearches {
  readonly #known = new Map<string, KnownSearch>();

  /**
   * What `decodeRequest` makes of one message, with searches as `KnownSearch` where they are short and have no controls.
   * @throws WireError
   */
  decode(bytes: Buffer, limits: DecodeLimits): LdapMessage<RequestOp> {
    const idAt = messageIdAt(bytes);
    const octets = bytes[idAt - 1] ?? 0;
    const at = idAt + octets;
    if (idAt === -1 || bytes[at] !== 0x63 || bytes.length > longestRequest) return decodeRequest(bytes, limits);
    const key = bytes.toString('latin1', at);
    const known = this.#known.get(key);
    if (known !== undefined) return { messageId: bytes.readUIntBE(idAt, octets), op: known, controls: noControls };
    // A copy, because the octets of a filter are views on it.
    const message = decodeRequest(Buffer.from(bytes), limits);
    if (message.op.op !== 'searchRequest' || message.controls.length > 0) return message;
    const op = new KnownSearch(message.op);
    if (this.#known.size >= mostKept) this.#known.clear(); // to begin anew costs less than an order of use
    this.#known.set(key, op);
    return { messageId: message.messageId, op, controls: noControls };
  }
}

/** Where the contents of an ordinary message id begin, behind their one octet of length; -1 for anything else. */
function messageIdAt(bytes: Buffer): number {
  const at = 4 + lengthOctets(bytes);
  const octets = bytes[at - 1] ?? 0;
  const isOrdinary = bytes[0] === 0x30 && bytes[at - 2] === 0x02 && octets >= 1 && octets <= 4;
  return isOrdinary && (bytes[at] ?? 0x80) < 0x80 ? at : -1;
}

/** How many octets of length there are behind the first, where it tells that of all the octets. */
function lengthOctets(bytes: Buffer): number {
  const first = bytes[1] ?? 0;
  if (first < 0x80) return first === bytes.length - 2 ? 0 : Number.NaN;
  if (first === 0x81) return bytes[2] === bytes.length - 3 ? 1 : Number.NaN;
  return first === 0x82 && bytes.length > 4 && bytes.readUInt16BE(2) === bytes.length - 4 ? 2 : Number.NaN;
}
