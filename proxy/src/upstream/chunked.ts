// The chunked coding (RFC 9112 §7.1), decoded piece by piece: data as it comes, trailers at the end. Strict: anything else
// than hexadecimal sizes, CRLFs where they belong and legal trailer fields is garbage. Used by the fast lane.
import { proxyError } from '../errors.ts';

export interface ChunkedSink {
  /** @returns nothing; the slice lives as long as the piece it came from */
  onData(data: Buffer): void;
  /** @param trailers alternating names and values */
  onEnd(trailers: readonly string[]): void;
}

/** Chunk extensions and trailers are of no use to anybody; more of them is an attack. */
const mostLineBytes = 16 * 1024;

export class ChunkedDecoder {
  readonly #sink: ChunkedSink;
  #state: 'size' | 'data' | 'after-data' | 'trailer' | 'done' = 'size';
  #left = 0;
  #line = '';
  readonly #trailers: string[] = [];
  #trailerBytes = 0;

  constructor(sink: ChunkedSink) {
    this.#sink = sink;
  }

  /** @returns how many bytes belonged to the body; fewer than given once it is over. @throws GatewayError `ERR_PROXY_UPSTREAM` */
  push(piece: Buffer): number {
    let at = 0;
    while (at < piece.length && this.#state !== 'done') {
      if (this.#state === 'data') at = this.#takeData(piece, at);
      else at = this.#takeLine(piece, at);
    }
    return at;
  }

  #takeData(piece: Buffer, at: number): number {
    const end = Math.min(piece.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = 'after-data';
    this.#sink.onData(piece.subarray(at, end));
    return end;
  }

  #takeLine(piece: Buffer, at: number): number {
    const feed = piece.indexOf(0x0a, at);
    const end = feed === -1 ? piece.length : feed + 1;
    this.#line += piece.toString('latin1', at, end);
    if (this.#line.length > mostLineBytes) throw garbage('a line is too long');
    if (feed === -1) return end;
    const line = this.#line;
    this.#line = '';
    const text = line.slice(0, -2);
    if (!line.endsWith('\r\n') || /[^\t\x20-\x7e\x80-\xff]/.test(text)) throw garbage('a line is no line');
    this.#ended(text);
    return end;
  }

  #ended(line: string): void {
    if (this.#state === 'size') this.#size(line);
    else if (this.#state === 'after-data') {
      if (line !== '') throw garbage('a chunk is longer than it says');
      this.#state = 'size';
    } else if (line === '') {
      this.#state = 'done';
      this.#sink.onEnd(this.#trailers);
    } else this.#trailer(line);
  }

  #size(line: string): void {
    const digits = /^([\da-f]{1,12})[\t ]*(?:;.*)?$/i.exec(line)?.[1];
    if (digits === undefined) throw garbage(`the chunk size "${line.slice(0, 40)}"`);
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'data';
  }

  #trailer(line: string): void {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+):[\t ]*(.*?)[\t ]*$/.exec(line) ?? [];
    this.#trailerBytes += line.length;
    if (name === undefined || value === undefined || this.#trailerBytes > mostLineBytes) throw garbage('the trailers');
    this.#trailers.push(name, value);
  }
}

function garbage(what: string) {
  return proxyError('ERR_PROXY_UPSTREAM', `The upstream's chunked body is unusable: ${what}.`);
}
