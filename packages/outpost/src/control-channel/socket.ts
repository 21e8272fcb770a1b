// One websocket to the core as an async sequence of texts; the one file that imports the websocket client. Name look-ups
// are made anew for each connection.
import type { CoreClient } from '@gatehouse/contract/client';
import { WebSocket } from 'ws';

const handshakeTimeoutMs = 10_000;
const maxMessageBytes = 1024 * 1024;

export interface ControlSocket {
  send(text: string): void;
  close(): void;
}

export interface SocketEvents {
  readonly onMessage: (text: string) => void;
  /** Once, for whatever reason; an error before it is its reason. */
  readonly onClose: (reason: string) => void;
}

/** Resolves when open; rejects with the reason otherwise. */
export function openSocket(url: string, client: CoreClient, events: SocketEvents): Promise<ControlSocket> {
  const { options } = client;
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${options.token.reveal()}`, 'user-agent': options.userAgent },
    handshakeTimeout: handshakeTimeoutMs,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    rejectUnauthorized: !options.insecure,
  });
  let reason = 'closed by the core';
  return new Promise((resolve, reject) => {
    socket.on('error', (error) => {
      reason = error.message;
      reject(error);
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary) events.onMessage(data.toString());
    });
    socket.on('open', () => {
      socket.on('close', () => events.onClose(reason));
      resolve({ send: (text) => socket.send(text), close: () => socket.close(1000) });
    });
  });
}
