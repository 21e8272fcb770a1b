// Datagram listeners: the receive buffer is asked for, and an answer leaves from the socket that was asked.
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { captureLogger } from '../testing/index.ts';
import { kernelDrops } from './kernel-drops.ts';
import { listenUdp } from './udp.ts';

test('several addresses: each datagram is answered from where it came to', async () => {
  const addresses = [
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.2', port: 0 },
  ];
  const given = { component: 'test', setting: 'TEST', log: captureLogger(), addresses };
  const listener = await listenUdp({ ...given, onDatagram: (bytes, _from, reply) => reply(bytes) });
  onTestFinished(() => listener.close());
  const client = createSocket('udp4');
  onTestFinished(() => void client.close());
  for (const { host, port } of listener.bound) {
    client.send('hello', port, host);
    const [, from] = await once(client, 'message');
    expect([from.address, from.port]).toEqual([host, port]);
  }
});

test.skipIf(process.platform !== 'linux')(
  'a burst while nobody reads is kept; with a small buffer it is lost, and seen to be',
  async () => {
    const lostWith = async (buffer: { readonly receiveBufferBytes?: number }) => {
      const given = {
        component: 'test',
        setting: 'TEST',
        log: captureLogger(),
        onDatagram: () => undefined,
        ...buffer,
      };
      const listener = await listenUdp({ ...given, addresses: [{ host: '127.0.0.1', port: 0 }] });
      onTestFinished(() => listener.close());
      const port = listener.bound[0]?.port ?? 0;
      const burst = `const s=require('dgram').createSocket('udp4');let n=0;for(let i=0;i<100;i++)s.send(Buffer.alloc(500),${port},'127.0.0.1',()=>{if(++n===100)s.close()})`;
      spawnSync(process.execPath, ['-e', burst]); // this process does not read meanwhile
      return kernelDrops([port]);
    };
    expect(await lostWith({ receiveBufferBytes: 2_048 })).toBeGreaterThan(0);
    expect(await lostWith({})).toBe(0);
  },
);
