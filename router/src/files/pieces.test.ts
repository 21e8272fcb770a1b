import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { createFileSender } from './pieces.ts';

async function serving(bytes: Buffer) {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'file');
  await writeFile(path, bytes);
  const send = createFileSender();
  const server = createServer(async (request, response) => {
    const file = await open(path);
    const start = Number(request.url?.slice(1));
    response.writeHead(200, { 'Content-Length': bytes.length - start });
    await send(file, { start, end: bytes.length - 1 }, response).finally(() => file.close());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listens on TCP
  return {
    port,
    path,
    get: async (start: number) => Buffer.from(await (await fetch(`http://127.0.0.1:${port}/${start}`)).arrayBuffer()),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('many at once, from any byte on, each gets its own bytes', async () => {
  const bytes = randomBytes(1_500_001);
  await using site = await serving(bytes);
  const starts = Array.from({ length: 40 }, (_, at) => at * 37_499);
  const answers = await Promise.all(starts.map(async (start) => (await site.get(start)).equals(bytes.subarray(start))));
  expect(answers).toEqual(starts.map(() => true));
});

test('clients that leave in the middle spoil nothing for the others', async () => {
  const bytes = randomBytes(4_000_000);
  await using site = await serving(bytes);
  for (let round = 0; round < 10; round++) {
    const leaving = connect(site.port, '127.0.0.1');
    leaving.write('GET /0 HTTP/1.1\r\nHost: a\r\n\r\n');
    leaving.once('data', () => leaving.destroy());
    expect((await site.get(1)).equals(bytes.subarray(1))).toBe(true);
  }
});

test('clients that read late, with several requests one behind another, get their own bytes', async () => {
  const bytes = randomBytes(3_000_000);
  await using site = await serving(bytes);
  const late = [1, 2, 3].map((start) => {
    const client = connect(site.port, '127.0.0.1').pause();
    const requests = [start, start + 1_000_000, start + 2_000_000];
    const text = requests.map(
      (at, turn) => `GET /${at} HTTP/1.1\r\nHost: a\r\n${turn === 2 ? 'Connection: close\r\n' : ''}\r\n`,
    );
    client.write(text.join(''));
    return { client, requests };
  });
  // What the late ones have been sent waits in the kernel and in the process while others are served from the same pieces.
  for (let round = 0; round < 10; round++) expect((await site.get(7)).equals(bytes.subarray(7))).toBe(true);
  for (const { client, requests } of late) {
    const parts: Buffer[] = [];
    for await (const part of client) parts.push(part);
    let rest = Buffer.concat(parts);
    for (const at of requests) {
      const body = rest.subarray(rest.indexOf('\r\n\r\n') + 4);
      expect(body.subarray(0, bytes.length - at).equals(bytes.subarray(at))).toBe(true);
      rest = body.subarray(bytes.length - at);
    }
    expect(rest.length).toBe(0);
  }
});

test('a file that has become shorter is cut off, never filled up', async () => {
  const bytes = randomBytes(1_000_000);
  await using site = await serving(bytes);
  await writeFile(site.path, bytes.subarray(0, 600_000));
  await expect(site.get(0)).rejects.toThrow();
});
