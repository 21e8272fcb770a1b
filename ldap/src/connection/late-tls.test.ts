// The certificate of last resort is made anew before it expires, and new handshakes see it.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { fakeClock } from '@gatehouse/daemon/testing';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { expect, onTestFinished, test } from 'vitest';
import { LateTls, renewFallback } from './late-tls.ts';

const dayMs = 86_400_000;

test('the self-signed certificate is replaced a month before its end', async () => {
  const tls = new LateTls(undefined);
  tls.begin(selfSignedCertificate());
  const wrap = await tls.wrap;
  const server = createServer((socket) => void wrap(socket).on('error', () => undefined));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const shown = async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const clock = fakeClock();
  const ending = new AbortController();
  let made = 0;
  const make = () => {
    made += 1;
    return selfSignedCertificate();
  };
  const renewing = renewFallback(tls, make, { clock, signal: ending.signal });
  const first = await shown();
  for (let day = 0; day < 334; day += 1) await clock.advance(dayMs);
  expect([made, await shown()]).toEqual([0, first]);
  await clock.advance(dayMs);
  await clock.advance(0);
  expect(made).toBe(1);
  await expect.poll(shown, { timeout: 30_000 }).not.toBe(first);
  ending.abort();
  await renewing;
});
