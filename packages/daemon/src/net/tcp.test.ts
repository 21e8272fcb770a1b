// TCP listeners with real sockets: who is admitted, whose address is believed, what the next protocol still reads.
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { encodeProxyHeader } from '@gatehouse/wire/proxy-protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { captureLogger } from '../testing/index.ts';
import { secureContext, selfSignedCertificate } from '../tls/index.ts';
import { createCidrSet } from './cidr.ts';
import type { Peer } from './proxied.ts';
import { listenTcp, type TcpOptions } from './tcp.ts';

const fromClient = (version: 1 | 2) =>
  encodeProxyHeader(
    {
      command: 'proxy',
      source: { address: '203.0.113.7', port: 4711 },
      destination: { address: '198.51.100.1', port: 389 },
      tlvs: [],
    },
    version,
  );
const loopback = createCidrSet(['127.0.0.0/8']);
const nobody = createCidrSet([]);

describe('core-contract 45: whose address a listener believes', () => {
  for (const version of [1, 2] as const) {
    test(`a version ${version} header of a trusted peer names the client, the rest stays to be read`, async () => {
      const { dial, next } = await listening({ trusted: loopback, proxyProtocol: 'optional' });
      dial().write(Buffer.concat([fromClient(version), Buffer.from('hello')]));
      const { peer, socket } = await next();
      expect(peer).toEqual({ address: '203.0.113.7', port: 4711, proxied: true });
      expect(await firstText(socket)).toBe('hello');
    });

    test(`a version ${version} header in single bytes is read as well`, async () => {
      const { dial, next } = await listening({ trusted: loopback, proxyProtocol: 'optional' });
      const client = dial();
      for (const byte of fromClient(version)) {
        client.write(Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.write('hello');
      const { peer, socket } = await next();
      expect(peer.address).toBe('203.0.113.7');
      expect(await firstText(socket)).toBe('hello');
    });
  }

  test('a header of an untrusted peer ends the connection and is logged once', async () => {
    const { dial, log } = await listening({ trusted: nobody, proxyProtocol: 'optional' });
    for (let turn = 0; turn < 2; turn++) {
      const client = dial();
      client.write(fromClient(2));
      await once(client, 'close');
    }
    const warnings = log.lines.filter(({ reason }) => reason === 'proxy_header_untrusted');
    expect(warnings.map(({ level }) => level)).toEqual(['warning', 'debug']);
  });

  test('a malformed header of a trusted peer ends the connection', async () => {
    const { dial, log } = await listening({ trusted: loopback, proxyProtocol: 'optional' });
    const client = dial();
    client.write('PROXY TCP4 nonsense\r\n');
    await once(client, 'close');
    expect(log.lines.at(-1)).toMatchObject({ reason: 'proxy_header_malformed', client: '127.0.0.1' });
  });

  test('LOCAL keeps the address of the socket', async () => {
    const { dial, next } = await listening({ trusted: loopback, proxyProtocol: 'optional' });
    dial().write(encodeProxyHeader({ command: 'local' }, 2));
    expect((await next()).peer).toMatchObject({ address: '127.0.0.1', proxied: false });
  });

  for (const trusted of [loopback, nobody]) {
    test(`without a header a ${trusted === loopback ? 'trusted' : 'foreign'} peer is itself, and all bytes are there`, async () => {
      const { dial, next } = await listening({ trusted, proxyProtocol: 'optional' });
      dial().write('PROPFIND / HTTP/1.1');
      const { peer, socket } = await next();
      expect(peer).toMatchObject({ address: '127.0.0.1', proxied: false });
      expect(await firstText(socket)).toBe('PROPFIND / HTTP/1.1');
    });
  }

  test('ldap §2.2: a silent peer is handed on when the wait is over, with what it has sent', async () => {
    const { dial, next } = await listening({ trusted: loopback, proxyProtocol: 'optional', proxyHeaderWaitMs: 1 });
    const client = dial();
    const { peer, socket } = await next();
    client.write('late');
    expect(peer.proxied).toBe(false);
    expect(await firstText(socket)).toBe('late');
  });

  test('`require` refuses what has no header', async () => {
    const { dial, log } = await listening({ trusted: loopback, proxyProtocol: 'require' });
    const client = dial();
    client.write('GET / HTTP/1.1\r\n\r\n');
    await once(client, 'close');
    expect(log.lines.at(-1)).toMatchObject({ reason: 'proxy_header_missing' });
  });
});

describe('what comes after a header', () => {
  test('ldap §2.2: on a TLS listener the header comes before the ClientHello', async () => {
    const context = secureContext(await selfSignedCertificate());
    const { dial, next } = await listening({ trusted: loopback, proxyProtocol: 'optional' });
    const client = dial();
    client.write(fromClient(2));
    const secure = connectTls({ socket: client, rejectUnauthorized: false });
    const { peer, socket } = await next();
    const server = new TLSSocket(socket, { isServer: true, secureContext: context });
    secure.write('over TLS');
    expect(await firstText(server)).toBe('over TLS');
    expect(peer.address).toBe('203.0.113.7');
  });

  test('proxy 12: node:http serves a socket whose header was taken off, request by request', async () => {
    const server = createServer((incoming, response) => void response.end(incoming.url));
    const { dial } = await listening({
      trusted: loopback,
      proxyProtocol: 'optional',
      onConnection: (socket) => void server.emit('connection', socket),
    });
    const client = dial();
    client.write(fromClient(1));
    for (const path of ['/one', '/two']) {
      const asked = request({ path, createConnection: () => client, headers: { Connection: 'keep-alive' } });
      asked.end();
      const [response] = await once(asked, 'response');
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe(path);
    }
  });
});

describe('ldap §2.1: caps', () => {
  test('the cap per client counts the client that a header names', async () => {
    const limits = { total: 10, perClient: 1 };
    const { dial, next, log } = await listening({ trusted: loopback, proxyProtocol: 'optional', limits });
    dial().write(fromClient(1));
    await next();
    const second = dial();
    second.write(fromClient(2));
    await once(second, 'close');
    expect(log.lines.at(-1)).toMatchObject({ reason: 'too_many_of_client', client: '203.0.113.7' });
    dial().write('direct');
    expect((await next()).peer.address).toBe('127.0.0.1');
  });

  test('the cap in all holds for connections that have said nothing yet, and a closed one makes room', async () => {
    const limits = { total: 1, perClient: 9 };
    const { dial, next } = await listening({ trusted: loopback, proxyProtocol: 'optional', limits });
    const first = dial();
    await once(first, 'connect');
    await once(dial(), 'close');
    first.write('x');
    const { socket } = await next();
    first.destroy();
    await once(socket.resume(), 'close');
    dial().write('y');
    expect(await firstText((await next()).socket)).toBe('y');
  });

  test('connections outlast an unhurried end, and a second one cuts them', async () => {
    const { dial, next, listener } = await listening({});
    const client = dial();
    const { socket } = await next();
    const leaving = listener.close(600_000);
    client.write('still here');
    expect(await firstText(socket)).toBe('still here');
    await Promise.all([listener.close(0), once(client, 'close')]);
    await leaving;
  });

  test('a handler that throws loses its own connection only', async () => {
    const { dial, log } = await listening({
      trusted: loopback,
      proxyProtocol: 'optional',
      onConnection: () => {
        throw new Error('handler broke');
      },
    });
    const client = dial();
    client.write('x');
    await once(client, 'close');
    expect(log.lines.at(-1)).toMatchObject({ event: 'connection handler failed', error: 'Error: handler broke' });
  });
});

interface Arrival {
  readonly peer: Peer;
  readonly socket: Socket;
}

async function listening(given: Partial<TcpOptions>) {
  const log = captureLogger();
  const arrived: Arrival[] = [];
  const waiting: ((arrival: Arrival) => void)[] = [];
  const listener = await listenTcp({
    addresses: [{ host: '127.0.0.1', port: 0 }],
    component: 'test',
    setting: 'AUTHENTIK_LISTEN__TEST',
    limits: { total: 10, perClient: 10 },
    log,
    onConnection: (socket, peer) => {
      const waiter = waiting.shift();
      if (waiter === undefined) arrived.push({ socket, peer });
      else waiter({ socket, peer });
    },
    ...given,
  });
  onTestFinished(() => listener.close(0));
  const dial = () => {
    const client = connect(listener.bound[0]?.port ?? 0, '127.0.0.1').on('error', () => client.destroy());
    onTestFinished(() => void client.destroy());
    return client;
  };
  const next = () => {
    const arrival = arrived.shift();
    return arrival === undefined ? new Promise<Arrival>((resolve) => waiting.push(resolve)) : Promise.resolve(arrival);
  };
  return { log, listener, dial, next };
}

async function firstText(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}
