// HTTP/2 on a TLS listener (RFC 9113; router.md §20.1, R40): a client that chose `h2` gets a session here; its streams become
// requests of the one http server behind all listeners. So whatever answers knows one protocol, and what is measured, limited
// and refused is the same for both. WebSockets stay with HTTP/1.1: browsers open a connection of their own for them as long
// as extended CONNECT is not offered (RFC 8441 §3).
import { Agent, type Server } from 'node:http';
import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { connectionPair } from './connection-pair.ts';
import { relayStream } from './stream.ts';

export interface Http2Options {
  readonly maxHeaderBytes: number;
  readonly idleMs: number;
}

export interface Http2Sessions {
  /**
   * Takes over a decrypted connection.
   * @param introduce called with each connection that the server gets instead, before the server sees it
   */
  welcome(socket: TLSSocket, introduce: (connection: Duplex) => void): void;
  /** GOAWAY to all, running streams may end within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const mostStreams = 128;
const mostIdleConnections = 32;
/** What a stream may have on its way to us; the protocol's own 64 KiB would make a far client's upload slow. */
const windowBytes = 128 * 1024;
/** All streams of a session with their windows full, and what is on its way out. */
const mostSessionMegabytes = 48;

/** @param server gets the requests */
export function createHttp2Sessions(server: Pick<Server, 'emit'>, options: Http2Options): Http2Sessions {
  const open = new Set<ServerHttp2Session>();
  const settings = {
    maxConcurrentStreams: mostStreams,
    maxHeaderListSize: options.maxHeaderBytes,
    initialWindowSize: windowBytes,
  };
  return {
    welcome(socket, introduce) {
      const session = performServerHandshake(socket, { settings, maxSessionMemory: mostSessionMegabytes });
      const agent = agentFor(server, introduce);
      serve(session, agent, options.idleMs);
      open.add(session);
      session.once('close', () => {
        open.delete(session);
        agent.destroy();
      });
    },
    async close(graceMs) {
      const closed = [...open].map((session) => new Promise<void>((resolve) => session.once('close', () => resolve())));
      for (const session of open) session.close();
      const cut = setTimeout(() => {
        for (const session of open) session.destroy();
      }, graceMs);
      await Promise.all(closed);
      clearTimeout(cut);
    },
  };
}

function serve(session: ServerHttp2Session, agent: Agent, idleMs: number): void {
  let streams = 0;
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
    streams += 1;
    stream.once('close', () => {
      streams -= 1;
    });
    relayStream({ stream, headers, raw }, agent);
  });
  // Quiet for long, and nothing under way: an event stream that says nothing is no reason to go.
  session.setTimeout(idleMs, () => {
    if (streams === 0) session.close();
  });
  session.on('error', () => session.destroy());
}

/** Connections of one session to the http server. */
function agentFor(server: Pick<Server, 'emit'>, introduce: (connection: Duplex) => void): Agent {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: mostIdleConnections });
  Object.assign(agent, {
    createConnection() {
      const [near, far] = connectionPair();
      introduce(far);
      server.emit('connection', far);
      return near;
    },
  });
  return agent;
}
