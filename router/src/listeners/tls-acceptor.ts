// Takes a fresh TCP connection through the TLS handshake (router.md §5.2, §20.4): reads the server name first, then chooses
// certificate and client-certificate request for this one connection. Called by the https listener.
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { tlsParameters } from '@gatehouse/daemon/tls';
import { readClientHello } from '@gatehouse/wire/tls';

/** What a connection is answered with. */
export interface TlsIdentity {
  readonly context: SecureContext;
  /** Ask for a client certificate; whether it is good is for the core to say (router.md §4.3). */
  readonly requestClientCertificate: boolean;
}

export interface TlsAcceptorOptions {
  readonly choose: (serverName: string | undefined) => Promise<TlsIdentity>;
  readonly handshakeMs: number;
  /** Whether HTTP/2 is offered (RFC 7301). */
  readonly http2: boolean;
}

/** @returns the socket after the handshake, or why there is none */
export async function acceptTls(
  socket: Socket,
  options: TlsAcceptorOptions,
): Promise<TLSSocket | { readonly failed: string }> {
  const impatience = setTimeout(() => socket.destroy(), options.handshakeMs);
  try {
    const peeked = await peekServerName(socket);
    if (peeked === undefined) return { failed: 'closed before the handshake' };
    const identity = await options.choose(peeked.serverName);
    return await handshake(socket, identity, options.http2);
  } finally {
    clearTimeout(impatience);
  }
}

/** Reads as much as names the server; the bytes stay in the socket. `undefined` when it closed before. */
function peekServerName(socket: Socket): Promise<{ readonly serverName: string | undefined } | undefined> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const leave = () => socket.off('readable', read).off('close', gone);
    const gone = () => {
      leave();
      resolve(undefined);
    };
    const read = () => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return; // the end; `close` follows
      seen = Buffer.concat([seen, chunk]);
      const reading = readClientHello(seen);
      if (reading.kind === 'incomplete') return;
      leave();
      socket.unshift(seen);
      resolve({ serverName: reading.kind === 'hello' ? reading.hello.serverName : undefined });
    };
    socket.on('readable', read).once('close', gone);
    read();
  });
}

function handshake(
  socket: Socket,
  { context, requestClientCertificate }: TlsIdentity,
  http2: boolean,
): Promise<TLSSocket | { readonly failed: string }> {
  return new Promise((resolve) => {
    const secure = new TLSSocket(socket, {
      ...tlsParameters,
      isServer: true,
      secureContext: context,
      requestCert: requestClientCertificate,
      rejectUnauthorized: false,
      ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    });
    const fail = (reason: string) => {
      secure.destroy();
      resolve({ failed: reason });
    };
    secure.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    secure.once('close', () => fail('closed during the handshake'));
    secure.once('secure', () => {
      // node:tls notes this for connections of its own server only, and node:http2 waits for it.
      Object.assign(secure, { secureConnecting: false });
      resolve(secure);
    });
  });
}
