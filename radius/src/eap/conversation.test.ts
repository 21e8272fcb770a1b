// The state machine alone: keys against those of a real TLS client, and responses in any order.
import { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { type KeyPair, selfSignedCertificate } from '@gatehouse/daemon/tls';
import { decodeEap, decodeTlsFragment, type EapPacket, eapCode, encodeTlsFragment } from '@gatehouse/wire/eap';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { Conversation, type Step } from './conversation.ts';
import { type EapMethod, eapMethods } from './methods.ts';
import { createEapContext } from './tls-endpoint.ts';

let server: KeyPair;
let client: KeyPair;
beforeAll(async () => {
  [server, client] = await Promise.all([selfSignedCertificate(), selfSignedCertificate()]);
});

const open = (method: EapMethod) =>
  new Conversation(
    {
      identity: 'alice',
      methods: eapMethods,
      context: createEapContext(server),
      isMsChapOffered: false,
      judgeCertificate: () => ({ kind: 'claim', claim: { kind: 'local_certificate', username: 'alice' } }),
      findSession: undefined,
    },
    method,
  );

/** A TLS client whose wire is in our hands. */
function dial(version: 'TLSv1.2' | 'TLSv1.3') {
  let written: Buffer[] = [];
  const wire = new Duplex({
    read() {
      // pushed to
    },
    write(chunk: Buffer, _encoding, done) {
      written.push(Buffer.from(chunk));
      done();
    },
  });
  const given = { cert: client.certPem, key: client.keyPem, rejectUnauthorized: false } as const;
  const socket = connect({ socket: wire, ...given, minVersion: version, maxVersion: version });
  socket.on('error', () => undefined);
  const take = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    const bytes = Buffer.concat(written);
    written = [];
    return bytes;
  };
  return { socket, take, feed: (bytes: Buffer) => void wire.push(bytes) };
}

const response = (method: EapMethod, identifier: number, data: Buffer): EapPacket => ({
  code: eapCode.response,
  identifier,
  type: method.type,
  data: encodeTlsFragment({ start: false, more: false, totalBytes: undefined, data }),
});

/** Runs the handshake to its end. @returns the client's socket */
async function shakeHands(
  conversation: Conversation,
  method: EapMethod,
  version: 'TLSv1.2' | 'TLSv1.3',
): Promise<TLSSocket> {
  const peer = dial(version);
  conversation.begin(1);
  for (let round = 0; round < 20 && conversation.masterSessionKey === undefined; round++) {
    const step: Step = await conversation.step(response(method, conversation.identifier, await peer.take()), 60_000);
    if (step.kind === 'send') peer.feed(decodeTlsFragment(decodeEap(step.request).data).data);
    else if (step.kind === 'fail') throw new Error(step.reason);
  }
  await peer.take();
  return peer.socket;
}

for (const method of eapMethods)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`RFC 5216 §2.3, RFC 9190 §2.3, RFC 9427 §2: EAP-${method.name} over ${version}: MSK and EMSK are the peer's`, async () => {
      const conversation = open(method);
      const socket = await shakeHands(conversation, method, version);
      const labelOf12 = { tls: 'client EAP encryption', ttls: 'ttls keying material', peap: 'client EAP encryption' };
      const context: [] | [Buffer] = version === 'TLSv1.3' ? [Buffer.of(method.type)] : [];
      const label = version === 'TLSv1.3' ? 'EXPORTER_EAP_TLS_Key_Material' : labelOf12[method.name];
      const theirs: unknown = Reflect.apply(socket.exportKeyingMaterial, socket, [128, label, ...context]);
      if (!Buffer.isBuffer(theirs)) throw new TypeError('no keys');
      expect(conversation.masterSessionKey).toEqual(theirs.subarray(0, 64));
      expect(conversation.extendedMasterSessionKey).toEqual(theirs.subarray(64));
      conversation.destroy();
      socket.destroy();
    });

test('radius §8.6: responses of any kind in any order never get further than a question or a failure', async () => {
  const noise = fc.record({
    type: fc.constantFrom(1, 3, 6, 13, 21, 25, 26, 33, 200),
    data: fc.uint8Array({ maxLength: 60 }).map((one) => Buffer.from(one)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...eapMethods),
      fc.array(noise, { minLength: 1, maxLength: 8 }),
      async (method, all) => {
        const conversation = open(method);
        conversation.begin(1);
        for (const { type, data } of all) {
          const given = { code: eapCode.response, identifier: conversation.identifier, type, data };
          // eap.ts takes what is thrown for a failure.
          const step = await conversation.step(given, 1_000).catch((): Step => ({ kind: 'fail', reason: 'thrown' }));
          expect(['send', 'fail']).toContain(step.kind);
          if (step.kind === 'fail') break;
        }
        expect([conversation.masterSessionKey, conversation.extendedMasterSessionKey]).toEqual([undefined, undefined]);
        conversation.destroy();
      },
    ),
    { seed: 3748, numRuns: 300 },
  );
});
