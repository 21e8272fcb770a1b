// HTTP/2 frame by frame (RFC 9113 §4, RFC 7541), for what no client library would send: literal fields, no compression, no
// checks. Used by http2.test.ts.
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  continuation: 9,
};
export const flag = { endStream: 1, ack: 1, endHeaders: 4 };

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export interface RawHttp2 extends AsyncDisposable {
  readonly socket: TLSSocket;
  /** Every frame so far. */
  readonly received: readonly Frame[];
  /** Written as it is. @returns whether the connection takes more at once */
  send(...frames: readonly Buffer[]): boolean;
  /** Resolves when a frame fits, or to `undefined` when the connection has ended without one. */
  until(fits: (frame: Frame) => boolean): Promise<Frame | undefined>;
  /** Resolves when the other side has ended the connection. */
  readonly ended: Promise<void>;
}

/** A frame. @param stream 0 for the connection */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literal fields without indexing (RFC 7541 §6.2.2); latin1. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

export async function rawHttp2(port: number): Promise<RawHttp2> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  const received: Frame[] = [];
  const listeners = new Set<() => void>();
  let pending: Buffer = Buffer.alloc(0);
  let isOver = false;
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOver = true;
      resolve();
      for (const listener of listeners) listener();
    });
  });
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const length = pending.length < 9 ? Infinity : pending.readUIntBE(0, 3) + 9;
      if (pending.length < length) break;
      const [type, flags, stream] = [pending.readUInt8(3), pending.readUInt8(4), pending.readUInt32BE(5)];
      received.push({ type, flags, stream, payload: pending.subarray(9, length) });
      pending = pending.subarray(length);
    }
    for (const listener of listeners) listener();
  });
  await once(socket, 'secureConnect');
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(frameType.settings, 0, 0));
  return {
    socket,
    received,
    ended,
    send: (...frames) => !socket.destroyed && socket.write(Buffer.concat(frames)),
    until: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = received.find(fits);
          if (found === undefined && !isOver) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await ended;
    },
  };
}
