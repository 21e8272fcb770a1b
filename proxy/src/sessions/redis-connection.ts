// One connection to Redis or Valkey, as far as sessions need it (RESP2): commands in order, answers in order, pushes of
// subscriptions, a deadline for each command. Not a general client: redis-store.ts is its only user.
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export type Reply = string | number | null | readonly Reply[];

export interface RedisConnection {
  command(...parts: readonly (string | number)[]): Promise<Reply>;
  /** Resolves with the reason once the connection is over. */
  readonly closed: Promise<Error>;
  close(): void;
}

const answerMs = 5_000;

/** @param url `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS */
export async function connectRedis(
  url: string,
  onPush: (channel: string, message: string) => void,
): Promise<RedisConnection> {
  const { hostname, port, protocol, username, password, pathname } = new URL(url);
  const address = { host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(port || 6379) };
  const socket = protocol === 'rediss:' ? connectTls({ ...address, servername: hostname }) : connect(address);
  const connection = new Connection(socket, onPush);
  const secret = decodeURIComponent(password);
  if (secret !== '')
    await connection.command('AUTH', ...(username === '' ? [] : [decodeURIComponent(username)]), secret);
  if (pathname.length > 1) await connection.command('SELECT', pathname.slice(1));
  await connection.command('PING');
  return connection;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

class Connection implements RedisConnection {
  readonly closed: Promise<Error>;
  readonly #socket: Socket;
  readonly #onPush: (channel: string, message: string) => void;
  readonly #waiting: Waiting[] = [];
  #bytes: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, onPush: (channel: string, message: string) => void) {
    this.#socket = socket;
    this.#onPush = onPush;
    socket.setNoDelay(true).setKeepAlive(true, 15_000);
    let reason = new Error('the connection ended');
    socket.on('error', (error) => (reason = error));
    socket.on('data', (chunk) => this.#received(chunk));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.splice(0)) reject(reason);
        resolve(reason);
      });
    });
  }

  command(...parts: readonly (string | number)[]): Promise<Reply> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the connection ended'));
    const encoded = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`).join('');
    this.#socket.write(`*${parts.length}\r\n${encoded}`);
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => this.#socket.destroy(new Error(`no answer to ${parts[0]} in ${answerMs} ms`)),
        answerMs,
      );
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(late);
          settle(value);
        };
      this.#waiting.push({ resolve: done(resolve), reject: done(reject) });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const read = readReply(this.#bytes, 0);
      if (read === undefined) return;
      this.#bytes = this.#bytes.subarray(read.end);
      this.#deliver(read.reply);
    }
  }

  #deliver(reply: Reply | Error): void {
    if (Array.isArray(reply) && reply[0] === 'message') {
      this.#onPush(String(reply[1]), String(reply[2]));
      return;
    }
    const waiting = this.#waiting.shift();
    if (reply instanceof Error) waiting?.reject(reply);
    else waiting?.resolve(reply);
  }
}

interface Read<T> {
  readonly reply: T;
  readonly end: number;
}

/** One reply from `at`, or `undefined` when it is not all there. */
function readReply(bytes: Buffer, at: number): Read<Reply | Error> | undefined {
  const line = bytes.indexOf('\r\n', at);
  if (line === -1) return undefined;
  const text = bytes.toString('utf8', at + 1, line);
  const next = line + 2;
  switch (bytes[at]) {
    case 0x2b: // +
      return { reply: text, end: next };
    case 0x2d: // -
      return { reply: new Error(text), end: next };
    case 0x3a: // :
      return { reply: Number(text), end: next };
    case 0x24: // $
      return readBulk(bytes, next, Number(text));
    case 0x2a: // *
      return readArray(bytes, next, Number(text));
    default:
      return { reply: new Error('an answer that is not RESP'), end: bytes.length };
  }
}

function readBulk(bytes: Buffer, at: number, length: number): Read<Reply> | undefined {
  if (length < 0) return { reply: null, end: at };
  if (bytes.length < at + length + 2) return undefined;
  return { reply: bytes.toString('utf8', at, at + length), end: at + length + 2 };
}

function readArray(bytes: Buffer, at: number, length: number): Read<Reply> | undefined {
  if (length < 0) return { reply: null, end: at };
  const items: Reply[] = [];
  let end = at;
  for (let index = 0; index < length; index++) {
    const item = readReply(bytes, end);
    if (item === undefined) return undefined;
    items.push(item.reply instanceof Error ? item.reply.message : item.reply);
    end = item.end;
  }
  return { reply: items, end };
}
