// Entry `@gatehouse/proxy/ready-response`, users: proxy, router. Answers whose text is ready. node:http checks and joins
// every field of every answer again, which is a third of what a small answer costs; the text of identity headers is the same
// for a whole session, so it is handed over as it is and goes out in one write. It does so through `_header`, which node:http
// fills itself in `writeHead`: an undocumented field, but the same in every version we run on. For everything but a plain
// HTTP/1.1 keep-alive answer `false` is returned, and the caller takes `writeHead`; ready-response.test.ts compares the two
// byte for byte.
import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Frame } from './frame.ts';

export interface ReadyHead {
  readonly status: number;
  readonly reason: string;
  /** Fields with their CRLFs, framing and Date among them; latin1. Connection is added here. */
  readonly lines: string;
}

export class ReadyResponse extends ServerResponse<IncomingMessage> {
  declare _header: string | null;
  declare _hasBody: boolean;
  declare _headerSent: boolean;
  declare _keepAliveTimeout: number;

  /** The whole answer in one write. @param body latin1 text, as long as the framing says */
  sendWhole(head: ReadyHead, body: string): boolean {
    if (!takesText(this)) return false;
    this.statusCode = head.status;
    this._header = textOf(this, head) + (this._hasBody ? body : '');
    this.end();
    return true;
  }

  /**
   * The whole answer in one write of one buffer. Only where it goes out at once: not behind other answers of the connection,
   * not behind bytes that the kernel has not taken, and to the kernel itself; TLS keeps what it is given for a while.
   */
  sendFramed(head: ReadyHead, frame: Frame): boolean {
    const { socket } = this;
    if (!takesText(this) || !this._hasBody || socket === null || !isAlone(this, socket)) return false;
    const text = textOf(this, head);
    const bytes = frame.fill(text);
    if (bytes === undefined) return false;
    this.statusCode = head.status;
    this._header = text;
    this._headerSent = true;
    socket.write(bytes);
    if (socket.writableLength > 0) frame.leave();
    this.end();
    return true;
  }

  /** Only the head, with the first part of the body; the rest follows with `write` and `end`. */
  sendHead(head: ReadyHead): boolean {
    if (!takesText(this)) return false;
    this.statusCode = head.status;
    this._header = textOf(this, head);
    return true;
  }

  /**
   * A part of the body, straight to the kernel where nothing is before it: node:http would hold it back to the end of the turn,
   * and its memory with it.
   * @param onRoom called once when there is room again, after `full`
   * @returns `taken`: its memory is the caller's again. `kept`: it waits. `full`: it waits, and no more should come
   */
  sendPart(data: Buffer, onRoom: () => void): 'taken' | 'kept' | 'full' {
    const { socket } = this;
    if (socket === null || !isNextOn(this, socket)) {
      if (this.write(data)) return 'kept';
      this.once('drain', onRoom);
      return 'full';
    }
    const hasRoom = this._headerSent ? socket.write(data) : writeWithHead(this, socket, data);
    if (socket.writableLength === 0) return 'taken';
    if (hasRoom) return 'kept';
    socket.once('drain', onRoom);
    return 'full';
  }

  /** An interim answer (RFC 9110 §15.2), with any fields; not to HTTP/1.0 clients, and not when the answer has begun. */
  sendInterim({ status, reason, lines }: ReadyHead): void {
    const { socket, req, headersSent } = this;
    if (socket === null || headersSent || req.httpVersionMinor === 0) return;
    socket.write(`HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`, 'latin1');
  }
}

// Functions, not private methods: those would cost each response a field of its own.

function takesText(response: ReadyResponse): boolean {
  const { _header, shouldKeepAlive, req, destroyed } = response;
  return _header === null && shouldKeepAlive && req.httpVersionMinor === 1 && !destroyed;
}

/** What is written to the socket now goes to the kernel, with nothing before it. TLS keeps what it is given for a while. */
function isAlone(response: ReadyResponse, socket: Socket & { readonly _httpMessage?: unknown }): boolean {
  const isPlain = Object.getPrototypeOf(socket) === Socket.prototype;
  return isPlain && socket._httpMessage === response && response.writableLength === 0 && socket.writableCorked === 0;
}

/** Whether bytes of the body may be written to the socket as they are: the head is ready or gone, and says their length. */
function isNextOn(response: ReadyResponse, socket: Socket): boolean {
  const { _header, chunkedEncoding, destroyed } = response;
  return _header !== null && !chunkedEncoding && !destroyed && isAlone(response, socket);
}

function writeWithHead(response: ReadyResponse, socket: Socket, data: Buffer): boolean {
  response._headerSent = true;
  socket.cork();
  socket.write(response._header ?? '', 'latin1');
  const hasRoom = socket.write(data);
  socket.uncork();
  return hasRoom;
}

function textOf({ _keepAliveTimeout }: ReadyResponse, { status, reason, lines }: ReadyHead): string {
  return `HTTP/1.1 ${status} ${reason}\r\n${lines}${connectionLines(_keepAliveTimeout)}\r\n`;
}

/** What node:http says of a connection that stays open; the same for every answer of a server. */
let lines = { timeoutMs: 0, text: 'Connection: keep-alive\r\n' };
function connectionLines(timeoutMs: number): string {
  if (lines.timeoutMs !== timeoutMs) {
    const seconds = Math.floor(timeoutMs / 1000);
    const hint = seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : '';
    lines = { timeoutMs, text: `Connection: keep-alive\r\n${hint}` };
  }
  return lines.text;
}

export { createDateLine } from './date-line.ts';
export { Frame } from './frame.ts';
