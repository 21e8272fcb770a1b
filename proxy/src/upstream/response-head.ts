// Head of an upstream's answer (RFC 9112 §4, §5, §6.3), read strictly: whatever is not plainly what it should be is garbage,
// and the client hears of it. Used by the fast lane; what may pass is kept as the text it came as, because most of it goes to
// the client untouched. Hop-by-hop fields and what `Connection` names are left out, like in identity/strip.ts.
import { proxyError } from '../errors.ts';

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Fields that may pass, as lines with their CRLFs, in order; Content-Length among them. */
  readonly lines: string;
  readonly framing: Framing;
  /** The connection may carry another request after this answer. */
  readonly keepsAlive: boolean;
  readonly hasDate: boolean;
}

export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** The body ends with the connection. */
  | { readonly kind: 'close' };

type Kind = 'kept' | 'dropped' | 'date' | 'length' | 'coding' | 'connection' | 'invalid';

const special: Readonly<Record<string, Kind>> = {
  date: 'date',
  'content-length': 'length',
  'transfer-encoding': 'coding',
  connection: 'connection',
  'keep-alive': 'dropped',
  'proxy-authenticate': 'dropped',
  'proxy-connection': 'dropped',
  te: 'dropped',
  trailer: 'dropped',
  upgrade: 'dropped',
  'x-powered-by': 'dropped',
};

const mostKinds = 2_000;

/** What becomes of a field, by its name as upstreams spell it; the same few over and over. */
export class FieldKinds {
  readonly #known = new Map<string, Kind>();
  readonly #dropped: ReadonlySet<string>;

  /** @param dropped lower-case names that stay here besides what is hop-by-hop */
  constructor(dropped: readonly string[] = []) {
    this.#dropped = new Set(dropped);
  }

  of(name: string): Kind {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const kind = this.#kindOf(name);
    if (this.#known.size >= mostKinds) this.#known.clear();
    if (name.length < 100) this.#known.set(Buffer.from(name, 'latin1').toString('latin1'), kind);
    return kind;
  }

  #kindOf(name: string): Kind {
    if (!/^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(name)) return 'invalid';
    const lower = name.toLowerCase();
    if (this.#dropped.has(lower)) return 'dropped';
    return Object.hasOwn(special, lower) ? (special[lower] ?? 'kept') : 'kept';
  }
}

const usual = new FieldKinds();

/**
 * @param text latin1, from the status line to the last field's CRLF, without the empty line
 * @param hasBody whether an answer to this request has one at all: not to HEAD
 * @param kinds which fields pass
 * @throws GatewayError `ERR_PROXY_UPSTREAM`
 */
export function parseResponseHead(text: string, hasBody: boolean, kinds = usual): ResponseHead {
  if (/[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/.test(text)) throw garbage('control characters in the head');
  const first = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([^\r]*))?\r\n/.exec(text);
  if (first === null) throw garbage('no status line of HTTP/1.1');
  const fields = new FieldReader(text, first[0].length, kinds);
  const status = Number(first[2]);
  const isEmpty = !hasBody || status < 200 || status === 204 || status === 304;
  return {
    status,
    reason: first[3] ?? '',
    lines: fields.kept(),
    framing: isEmpty ? { kind: 'length', length: 0 } : fields.framing(),
    keepsAlive: first[1] === '1' ? !fields.options.has('close') : fields.options.has('keep-alive'),
    hasDate: fields.hasDate,
  };
}

class FieldReader {
  readonly options = new Set<string>();
  hasDate = false;
  #length: number | undefined;
  #coding: string | undefined;
  #kept = '';

  constructor(text: string, from: number, kinds: FieldKinds) {
    let keptFrom = from;
    for (let at = from; at < text.length; ) {
      const end = text.indexOf('\r\n', at) + 2;
      const colon = text.indexOf(':', at);
      if (colon === -1 || colon >= end) throw garbage('a line of the head is no field');
      const passes = this.#take(kinds.of(text.slice(at, colon)), text.slice(colon + 1, end - 2));
      if (!passes) {
        this.#kept += text.slice(keptFrom, at);
        keptFrom = end;
      }
      at = end;
    }
    this.#kept += text.slice(keptFrom);
  }

  kept(): string {
    const named = [...this.options].filter((option) => option !== 'close' && option !== 'keep-alive');
    if (named.length === 0) return this.#kept;
    const lines = this.#kept.split(/(?<=\r\n)/);
    return lines.filter((line) => !named.includes(line.slice(0, line.indexOf(':')).toLowerCase())).join('');
  }

  framing(): Framing {
    if (this.#coding === undefined) {
      return this.#length === undefined ? { kind: 'close' } : { kind: 'length', length: this.#length };
    }
    // RFC 9112 §6.3: both is an attempt at something, and any other coding cannot be relayed.
    if (this.#length !== undefined) throw garbage('both Content-Length and Transfer-Encoding');
    if (this.#coding !== 'chunked') throw garbage(`the transfer coding "${this.#coding}"`);
    return { kind: 'chunked' };
  }

  /** @returns whether the line may pass */
  #take(kind: Kind, value: string): boolean {
    switch (kind) {
      case 'kept':
        return true;
      case 'dropped':
        return false;
      case 'date':
        this.hasDate = true;
        return true;
      case 'length':
        return this.#takeLength(value.trim());
      case 'coding':
        this.#coding = this.#coding === undefined ? value.trim().toLowerCase() : `${this.#coding}, ${value.trim()}`;
        return false;
      case 'connection':
        for (const option of value.split(',')) this.options.add(option.trim().toLowerCase());
        return false;
      case 'invalid':
        throw garbage('a line of the head is no field');
    }
  }

  #takeLength(value: string): boolean {
    if (!/^\d{1,15}$/.test(value)) throw garbage(`the Content-Length "${value.slice(0, 40)}"`);
    if (this.#length !== undefined) throw garbage('two Content-Lengths');
    this.#length = Number(value);
    return true;
  }
}

function garbage(what: string) {
  return proxyError('ERR_PROXY_UPSTREAM', `The upstream's answer is unusable: ${what}.`);
}
