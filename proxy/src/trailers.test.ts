// Trailers of requests (RFC 9110 §6.5), with peers that read and write bytes.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { raw } from './testing/raw-exchange.ts';
import { testServer } from './testing/test-server.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An application that reads to the end of a chunked body, trailers and all, and answers; or acts as soon as it hears anything. */
async function application({ answer = ok, onData }: { answer?: string; onData?: (socket: Socket) => void } = {}) {
  const seen: string[] = [];
  let reached: () => void = () => undefined;
  const isReached = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (part) => {
      reached();
      if (onData !== undefined) return void onData(socket);
      text += part.toString('latin1');
      if (!/\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(text)) return;
      seen.push(text);
      text = '';
      socket.write(answer, 'latin1');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  return {
    seen,
    reached: isReached,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function sent(trailers: string, head = '', answer = ok) {
  await using upstream = await application({ answer });
  await using proxy = await testServer([{ internal_host: upstream.url }]);
  const { cookie } = await proxy.login();
  const chunks = `4\r\nwiki\r\n5\r\npedia\r\n0\r\n${trailers}\r\n`;
  const request = `POST /up HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\nTransfer-Encoding: chunked\r\n${head}`;
  const told = await raw(proxy.port, `${request}Connection: close\r\n\r\n${chunks}`);
  const [fields = '', ...rest] = (upstream.seen[0] ?? '').split('\r\n\r\n');
  return { told, fields, body: rest.join('\r\n\r\n') };
}

describe('§17.13: trailers of requests', () => {
  test('they arrive behind the body, announced or not', async () => {
    const announced = await sent('X-Sum: 42\r\nx-more: a\r\nx-more: b\r\n', 'Trailer: X-Sum, x-more\r\n');
    expect(announced.told).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*ok$/);
    expect(announced.fields).toMatch(/\r\nTrailer: X-Sum, x-more\r\n/);
    expect(decoded(announced.body)).toEqual(['wikipedia', 'X-Sum: 42\r\nx-more: a\r\nx-more: b\r\n']);
    expect(decoded((await sent('X-Sum: 42\r\n')).body)).toEqual(['wikipedia', 'X-Sum: 42\r\n']);
  });
  test('a body without them ends as it did', async () => {
    const { body, fields } = await sent('');
    expect(decoded(body)).toEqual(['wikipedia', '']);
    expect(fields).not.toMatch(/\r\nTrailer:/i);
  });
  test('nothing that we assert, that routes or authenticates passes as one', async () => {
    const names = [
      'X-Authentik-Username',
      'x_authentik_username',
      'Host',
      'Authorization',
      'Cookie',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'Te',
      'If-Match',
      'Content-Type',
    ];
    const { body, fields } = await sent(
      names.map((name) => `${name}: 1\r\n`).join(''),
      `Trailer: ${names.join()}, a\r\n`,
    );
    expect(decoded(body)).toEqual(['wikipedia', '']);
    expect(fields).toMatch(/\r\nTrailer: a\r\n/);
  });
  test.each(['Content-Length: 1', 'Transfer-Encoding: chunked'])('%s as a trailer is no request', async (field) => {
    const { told, body } = await sent(`${field}\r\n`);
    expect([told.slice(0, 12), body]).toEqual(['HTTP/1.1 400', '']);
  });
  test('those of the answer come back as well', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Check: 7\r\n\r\n';
    const { told } = await sent('X-Sum: 42\r\n', '', answer);
    expect(told).toMatch(/\r\n0\r\nX-Check: 7\r\n\r\n$/);
  });
});

describe('bodies of unknown length', () => {
  const begun = (cookie: string) =>
    `POST /up HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nwiki\r\n`;
  const meeting = async (act: (socket: Socket) => void) => {
    await using upstream = await application({ onData: act });
    await using proxy = await testServer([{ internal_host: upstream.url }]);
    return await raw(proxy.port, begun((await proxy.login()).cookie)); // before both are closed
  };
  test('an application that answers before the end is heard', async () => {
    const refusing = (socket: Socket) => socket.write('HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\n\r\nno\n');
    expect(await meeting(refusing)).toMatch(/^HTTP\/1\.1 413 Too Much\r\n[\s\S]*no\n$/);
  });
  test('one that dies in the middle, or speaks no HTTP, is 502', async () => {
    for (const act of [
      (socket: Socket) => socket.destroy(),
      (socket: Socket) => socket.end('SSH-2.0-x\r\n'),
      (socket: Socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    ]) {
      expect(await meeting(act)).toMatch(/^HTTP\/1\.1 502 /);
    }
  });
  test('one that cannot be reached is 502', async () => {
    await using proxy = await testServer([{ internal_host: 'http://127.0.0.1:1' }]);
    expect(await raw(proxy.port, begun((await proxy.login()).cookie))).toMatch(/^HTTP\/1\.1 502 /);
  });
  test('a client that leaves ends it upstream', async () => {
    let gone: () => void = () => undefined;
    const isGone = new Promise<void>((resolve) => {
      gone = resolve;
    });
    await using upstream = await application({ onData: (socket) => socket.once('close', gone) });
    await using proxy = await testServer([{ internal_host: upstream.url }]);
    const { cookie } = await proxy.login();
    const client = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    client.write(begun(cookie));
    await upstream.reached;
    client.destroy();
    await isGone;
  });
});

/** Body and trailers of a chunked text. */
function decoded(text: string): readonly [string, string] {
  let [at, body] = [0, ''];
  for (;;) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return [body, text.slice(end + 2, -2)];
    body += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}
