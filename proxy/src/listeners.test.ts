import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { rawValue } from './identity/strip.ts';
import { lastSeen, raw } from './testing/raw-exchange.ts';
import { testServer } from './testing/test-server.ts';

describe('listeners', () => {
  test('proxy 10: TLS with the default certificate for any name', async () => {
    await using proxy = await testServer();
    const port = proxy.server.bound.https[0]?.port ?? 0;
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'nope.company', rejectUnauthorized: false });
    socket.write('GET /outpost.goauthentik.io/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subject.CN).toBe('authentik default certificate');
    let answer = '';
    for await (const part of socket) answer += String(part);
    expect(answer).toMatch(/^HTTP\/1\.1 204 /);
  });
  test('proxy 12: a PROXY header sets the peer', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    const head = `GET / HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`;
    await raw(proxy.port, `PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n${head}`);
    expect(rawValue(lastSeen(proxy), 'x-forwarded-for')).toBe('203.0.113.9');
  });
  test('proxy 108: one access line per request, without code and state', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    await proxy.get('/x?code=SECRET&state=SECRET&y=1', { cookie, 'User-Agent': 'curl' });
    const line = proxy.accessLines.find((one) => String(one['event']).startsWith('/x'));
    expect(line).toMatchObject({
      event: '/x?code=***&state=***&y=1',
      name: 'p',
      host: 'app.company',
      method: 'GET',
      scheme: 'http',
      status: 200,
      user_agent: 'curl',
      user: 'alice',
      auth: 'session',
    });
    expect(line?.['runtime']).toMatch(/^\d+\.\d{3}$/);
    expect(await proxy.metrics.text()).toMatch(
      /authentik_outpost_proxy_request_duration_seconds_count\{outpost_name="o",method="GET",host="app.company",type="app"\} 1/,
    );
  });
  test('proxy 110: a download under way finishes, new connections are refused', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    let finish = () => {};
    proxy.upstream.answer = (_, response) => {
      response.writeHead(200).write('first');
      finish = () => response.end(' last');
    };
    const call = httpRequest({ port: proxy.port, host: '127.0.0.1', headers: { Host: 'app.company', cookie } }).end();
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    const closed = proxy.server.close(10_000);
    const late = connect(proxy.port, '127.0.0.1');
    await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
    finish();
    let text = '';
    for await (const part of answer) text += String(part);
    expect(text).toBe('first last');
    await closed;
  });
});
