// An upstream's answer on its way to the client (proxy.md §9.6), fed with bytes as they come: head, informational answers,
// body with back-pressure, trailers. Knows framing, not connections. Used by the fast lane.
import { proxyError } from '../errors.ts';
import { flatOf, headerLines, pairsOf } from '../identity/header-block.ts';
import { ChunkedDecoder } from './chunked.ts';
import type { AnswerRules, Exchange } from './exchange.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

export interface Flow {
  readonly pause: () => void;
  readonly resume: () => void;
  /** Bytes of the piece that was pushed are needed beyond the push. */
  readonly lend: () => void;
}

const mostHeadBytes = 1024 * 1024;
/** Bodies up to this size that are there with the head go out with it, as text. */
const wholeBytes = 16 * 1024;
const headEnd = Buffer.from('\r\n\r\n', 'latin1');

export class ResponseRelay {
  /** Something of the answer has arrived. */
  hasBegun = false;
  isDone = false;
  keepsAlive = false;
  readonly #exchange: Exchange;
  readonly #flow: Flow;
  readonly #rules: AnswerRules;
  /** What has come of a head that is not whole yet. */
  #pending: Buffer | undefined;
  #head: ResponseHead | undefined;
  #left = 0;
  #chunked: ChunkedDecoder | undefined;

  constructor(exchange: Exchange, flow: Flow, rules: AnswerRules) {
    this.#exchange = exchange;
    this.#flow = flow;
    this.#rules = rules;
  }

  /** @returns how many bytes of the chunk belonged to this answer. @throws GatewayError `ERR_PROXY_UPSTREAM` */
  push(chunk: Buffer): number {
    this.hasBegun = true;
    return this.#head === undefined ? this.#takeHead(chunk) : this.#takeBody(chunk, 0);
  }

  /** The upstream ended its connection. @returns whether the answer is whole with that */
  end(): boolean {
    if (this.isDone || this.#head?.framing.kind !== 'close') return this.isDone;
    this.#exchange.response.end();
    this.isDone = true;
    return true;
  }

  #takeHead(chunk: Buffer): number {
    const before = this.#pending?.length ?? 0;
    const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    const end = bytes.indexOf(headEnd, Math.max(0, before - 3));
    if (end === -1) {
      if (bytes.length > mostHeadBytes) throw garbage('the head does not end');
      this.#pending = bytes;
      this.#flow.lend();
      return chunk.length;
    }
    this.#pending = undefined;
    const head = parseResponseHead(
      bytes.toString('latin1', 0, end + 2),
      this.#exchange.method !== 'HEAD',
      this.#rules.kinds,
    );
    const used = end + 4;
    if (head.status >= 200) {
      this.#head = head;
      return this.#begin(head, bytes, used) - before;
    }
    this.#inform(head);
    return used === bytes.length ? chunk.length : this.#takeHead(bytes.subarray(used)) + used - before;
  }

  /** RFC 9110 §15.2: interim answers are handed on; 101 was not asked for. */
  #inform(head: ResponseHead): void {
    if (head.status === 101) throw garbage('it changes the protocol');
    this.#exchange.response.sendInterim(head);
  }

  /** @returns how many of the bytes are used, head included */
  #begin(head: ResponseHead, bytes: Buffer, from: number): number {
    const { response, addedHeaders, onHead, onBody, dateLine } = this.#exchange;
    const { framing, status, reason } = head;
    this.keepsAlive = head.keepsAlive && framing.kind !== 'close';
    onHead();
    const passed = status === 204 ? withoutLength(head.lines) : head.lines;
    const date = head.hasDate ? '' : dateLine();
    const lines = `${passed}${date}${this.#rules.added(passed)}${headerLines(addedHeaders)}`;
    if (framing.kind !== 'length') {
      response.writeHead(status, reason, flatOf(lines));
      // Without this, the head of an answer that takes its time would wait for the first part of the body.
      response.flushHeaders();
      if (framing.kind === 'chunked') this.#chunked = this.#decoder();
      return this.#takeBody(bytes, from);
    }
    const text = { status, reason, lines };
    this.#left = framing.length;
    const there = bytes.length - from;
    if (framing.length <= wholeBytes && there >= framing.length) {
      const body = bytes.toString('latin1', from, from + framing.length);
      this.isDone = true;
      onBody(framing.length);
      if (!response.sendWhole(text, body)) response.writeHead(status, reason, flatOf(lines)).end(body, 'latin1');
      return from + framing.length;
    }
    if (!response.sendHead(text)) response.writeHead(status, reason, flatOf(lines));
    if (there === 0) response.flushHeaders();
    return this.#takeBody(bytes, from);
  }

  #takeBody(bytes: Buffer, from: number): number {
    const framing = this.#head?.framing.kind;
    if (framing === 'chunked') {
      return from + (this.#chunked?.push(from === 0 ? bytes : bytes.subarray(from)) ?? 0);
    }
    const until = framing === 'close' ? bytes.length : Math.min(bytes.length, from + this.#left);
    if (framing === 'length') this.#left -= until - from;
    if (until > from) this.#write(bytes.subarray(from, until));
    if (framing === 'length' && this.#left === 0) {
      this.isDone = true;
      this.#exchange.response.end();
    }
    return until;
  }

  #write(data: Buffer): void {
    const { response, onBody } = this.#exchange;
    onBody(data.length);
    const sent = response.sendPart(data, this.#flow.resume);
    if (sent === 'taken') return;
    this.#flow.lend();
    if (sent === 'full') this.#flow.pause();
  }

  #decoder(): ChunkedDecoder {
    return new ChunkedDecoder({
      onData: (data) => this.#write(data),
      onEnd: (trailers) => {
        const { response } = this.#exchange;
        if (trailers.length > 0) response.addTrailers(pairsOf(trailers));
        response.end();
        this.isDone = true;
      },
    });
  }
}

/** RFC 9110 §8.6: not in a 204. */
function withoutLength(lines: string): string {
  return lines.replace(/^content-length:[^\r]*\r\n/im, '');
}

function garbage(what: string) {
  return proxyError('ERR_PROXY_UPSTREAM', `The upstream's answer is unusable: ${what}.`);
}
