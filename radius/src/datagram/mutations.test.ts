// Mutated packets (radius.md §13): nothing harms the process, and nothing but the unchanged bytes gets a reply. The long form:
// RADIUS_MUTATIONS=1000000 npx vitest run radius/src/datagram/mutations.test.ts --testTimeout=900000
import { readFileSync } from 'node:fs';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import {
  createPacketKey,
  decodePacket,
  messageAuthenticator,
  packetCode,
  signReply,
  signRequest,
} from '@gatehouse/wire/radius';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAttributeReader } from '../attributes/core-attributes.ts';
import { createChallenges } from '../authentication/challenges.ts';
import { createSourceBudget } from '../clients/budget.ts';
import { createMessageAuthenticatorGate } from '../clients/message-authenticator-policy.ts';
import { createNotices } from '../clients/notices.ts';
import { createClientTable } from '../clients/table.ts';
import { readDeviceAnswer } from '../coa/answer.ts';
import type { AccessRequest } from '../core.ts';
import { createEap } from '../eap/eap.ts';
import { createRadiusMetrics } from '../metrics.ts';
import { createAccessRequest } from '../operations/access-request.ts';
import { createAccountingRequest } from '../operations/accounting-request.ts';
import { createStatusServer } from '../operations/status-server.ts';
import { p1, providerOf, settings } from '../testing/start.ts';
import { createDrops } from './drops.ts';
import { createDuplicates } from './duplicates.ts';
import { createReceiver } from './receive.ts';

const vectors: readonly { name: string; hex: string }[] = JSON.parse(
  readFileSync(new URL('../../../packages/wire/src/vectors/radius.json', import.meta.url), 'utf8'),
);

function start(port: 'authentication' | 'accounting') {
  const clock = fakeClock();
  const log = { ...captureLogger(), info: () => undefined, warn: () => undefined, debug: () => undefined };
  const refined = { settings: { ...settings, requireMessageAuthenticator: 'yes' } } as const;
  const table = createClientTable([providerOf(p1)], () => refined, log);
  const asked: string[] = [];
  const access = async ({ claim }: AccessRequest) => {
    asked.push(claim.username);
    return { kind: 'refused', reason: 'invalid_credentials', message: '' } as const;
  };
  const answering = {
    access,
    log,
    onAccepted: () => undefined,
    policyAttributes: () => [],
    readAttributes: createAttributeReader(),
  };
  const eap = createEap({
    ...answering,
    clock,
    worker: 0,
    certificate: () => undefined,
    authority: () => undefined,
    holdsTicket: () => false,
    onEnd: () => undefined,
  });
  const receiver = createReceiver({
    port,
    clock,
    log,
    metrics: createRadiusMetrics(createMetrics(), {
      outpostName: () => '',
      eapSessions: () => 0,
      kernelDrops: () => 0,
      homeServers: () => [],
    }),
    notices: createNotices(clock),
    drops: createDrops(clock),
    budget: createSourceBudget({ most: 1_000_000 }),
    clients: () => table,
    duplicates: createDuplicates(clock, { keepMs: 10_000, maxEntries: 1_000 }),
    gate: createMessageAuthenticatorGate(),
    operations: new Map([
      port === 'authentication'
        ? [
            packetCode.accessRequest,
            createAccessRequest({
              ...answering,
              eap: eap.receive,
              challenges: createChallenges(clock),
              flowTimeoutMs: 1_000,
            }),
          ]
        : [
            packetCode.accountingRequest,
            createAccountingRequest({
              clock,
              reportsInterim: true,
              addEvent: async (event) => asked.push(JSON.stringify(event)) > 0,
              onRecord: () => undefined,
              count: () => undefined,
            }),
          ],
      [packetCode.statusServer, createStatusServer(async () => true)],
    ]),
  });
  return { receiver, asked, log };
}

const runs = Number(process.env['RADIUS_MUTATIONS'] ?? 50_000);
const edits = fc.array(fc.record({ at: fc.nat(300), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 });

test.each(['authentication', 'accounting'] as const)(
  `radius §13: ${runs} mutations of the vectors, %s: no reply but to what is unchanged, no failure`,
  async (port) => {
    const { receiver, asked, log } = start(port);
    const originals = new Set(vectors.map(({ hex }) => hex));
    const answered: string[] = [];
    const mutation = fc.record({
      vector: fc.constantFrom(...vectors),
      edits,
      cut: fc.option(fc.nat(100), { nil: 0 }),
    });
    fc.assert(
      fc.property(mutation, ({ vector, edits, cut }) => {
        const bytes = Buffer.from(vector.hex, 'hex');
        for (const { at, byte } of edits) bytes.writeUInt8(byte, at % bytes.length);
        const packet = bytes.subarray(0, Math.max(0, bytes.length - cut));
        receiver.receive(packet, { address: '127.0.0.1', port: 1 }, () => answered.push(packet.toString('hex')), 0);
      }),
      { seed: 13, numRuns: runs },
    );
    await receiver.drain();
    // An edit may write the byte that was there, and padding after Length does not count.
    expect(answered.filter((hex) => !originals.has(hex))).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(answered.length);
    expect(log.lines.filter(({ event }) => event === 'request failed')).toEqual([]);
  },
);

test(`radius §13, RFC 5176: ${runs} mutations of what a device answers: none counts but the genuine`, () => {
  const key = createPacketKey('testing123');
  const exchanges = [packetCode.disconnectRequest, packetCode.coaRequest].flatMap((code) => {
    const given = { identifier: 7, authenticator: Buffer.alloc(16) };
    const attributes = [messageAuthenticator, { type: 1, value: Buffer.from('alice') }];
    const request = decodePacket(signRequest({ ...given, code, attributes }, key));
    const cause = { type: 101, value: Buffer.of(0, 0, 1, 0xf7) };
    return [
      { attributes: [messageAuthenticator], answer: code + 1 },
      { attributes: [messageAuthenticator, cause], answer: code + 2 },
      { attributes: [cause], answer: code + 2 },
    ].map((one) => ({ request, reply: signReply({ code: one.answer, attributes: one.attributes }, request, key) }));
  });
  for (const { request, reply } of exchanges) expect(readDeviceAnswer(reply, request, key)).toBeDefined();
  const mutation = fc.record({
    exchange: fc.constantFrom(...exchanges),
    edits,
    cut: fc.option(fc.nat(40), { nil: 0 }),
  });
  fc.assert(
    fc.property(mutation, ({ exchange: { request, reply }, edits: all, cut }) => {
      const bytes = Buffer.from(reply);
      for (const { at, byte } of all) bytes.writeUInt8(byte, at % bytes.length);
      const packet = bytes.subarray(0, Math.max(0, bytes.length - cut));
      if (!packet.equals(reply)) expect(readDeviceAnswer(packet, request, key)).toBeUndefined();
    }),
    { seed: 5176, numRuns: runs },
  );
});
