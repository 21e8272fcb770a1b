// Straight reading beside the plain `data` event: whatever is paused, resumed and ended meanwhile, both see the same octets in the
// same order, each once.
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readStraight, stopReading } from './straight-reading.ts';

type Step = { readonly kind: 'send'; readonly size: number } | { readonly kind: 'pause' | 'resume' | 'turn' };

/** Both ends of a connection of its own. */
async function withPair(work: (near: Socket, far: Socket) => Promise<void>): Promise<void> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const far = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  far.on('error', () => far.destroy());
  const near = await accepted;
  near.on('error', () => near.destroy());
  try {
    await work(near, far);
  } finally {
    near.destroy();
    far.destroy();
    await new Promise((closed) => server.close(closed));
  }
}

/** What comes, up to the end, while the steps are taken. */
function collect(near: Socket, far: Socket, steps: readonly Step[], read: typeof readStraight): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    read(near, (chunk) => {
      if (near.isPaused()) reject(new Error('read while paused'));
      chunks.push(Buffer.from(chunk));
    });
    near.on('end', () => resolve(Buffer.concat(chunks)));
    const go = async () => {
      let next = 0;
      for (const step of steps) {
        if (step.kind === 'send') {
          far.write(Buffer.alloc(step.size, next));
          next += 1;
        } else if (step.kind === 'turn') await new Promise((turn) => setImmediate(turn));
        else near[step.kind]();
      }
      near.resume();
      far.end();
    };
    void go();
  });
}

const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(65_536, 200_000, 1_000_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), size }),
  fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const, 'turn' as const) }),
);

test('whatever happens to the socket, its octets come once and in order, and none while it is paused', () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const sizes = steps.flatMap((one) => (one.kind === 'send' ? [one.size] : []));
      const expected = Buffer.concat(sizes.map((length, at) => Buffer.alloc(length, at)));
      for (const read of [
        readStraight,
        (socket: Socket, take: (chunk: Buffer) => void) => void socket.on('data', take),
      ])
        await withPair(async (near, far) => {
          const got = await collect(near, far, steps, read);
          expect(got.equals(expected)).toBe(true);
        });
    }),
    { numRuns: 25 },
  ));

test('chunks do not pass through the stream, and do again once somebody else reads', () =>
  withPair(async (near, far) => {
    const events: string[] = [];
    const take = () => events.push('taken');
    readStraight(near, take);
    near.on('data', () => events.push('event'));
    far.write('one');
    await expect.poll(() => events).toEqual(['taken']);
    stopReading(near, take);
    far.write('two');
    await expect.poll(() => events).toEqual(['taken', 'event']);
  }));
