// Which worker gets what: repetitions and conversations stay together, devices come back, and the work is spread.
import { createPacketKey, decodePacket, messageAuthenticator, packetCode, signRequest } from '@gatehouse/wire/radius';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownerOf, statePrefix } from './owner.ts';

const key = createPacketKey('testing123');
const packet = (attributes: readonly { type: number; value: Buffer }[]) =>
  decodePacket(
    signRequest(
      {
        code: packetCode.accessRequest,
        identifier: 1,
        authenticator: Buffer.alloc(16),
        attributes: [messageAuthenticator, ...attributes],
      },
      key,
    ),
  );
const station = (name: string) => ({ type: 31, value: Buffer.from(name) });
const port = fc.integer({ min: 1, max: 65_535 });
const count = fc.integer({ min: 1, max: 16 });
const text = fc.string({ minLength: 1, maxLength: 30 });

test('a station comes back to its worker by any port; another address is another device', () => {
  fc.assert(
    fc.property(text, port, port, count, (name, one, other, workers) => {
      const asked = packet([station(name)]);
      const owner = ownerOf(asked, { address: '192.0.2.1', port: one }, workers);
      expect(owner).toBeGreaterThanOrEqual(0);
      expect(owner).toBeLessThan(workers);
      expect(ownerOf(asked, { address: '192.0.2.1', port: other }, workers)).toBe(owner);
    }),
  );
});

test('a State of ours names the worker, whatever else is said', () => {
  fc.assert(
    fc.property(text, port, fc.nat(3), fc.constantFrom('eap', 'challenge'), (name, from, worker, kind) => {
      const state = Buffer.concat([statePrefix(worker, kind), Buffer.alloc(14)]);
      const asked = packet([station(name), { type: 24, value: state }]);
      expect(ownerOf(asked, { address: '192.0.2.1', port: from }, 4)).toBe(worker);
    }),
  );
});

test('stations, and ports of devices that tell none, are spread over all workers', () => {
  const shares = (owners: readonly number[]) =>
    [0, 1, 2, 3].map((worker) => owners.filter((owner) => owner === worker).length / owners.length);
  const numbers = Array.from({ length: 2_000 }, (_, at) => at);
  const stations = numbers.map((at) => {
    const name = `02-00-00-00-${(at >> 8).toString(16).padStart(2, '0')}-${(at & 255).toString(16).padStart(2, '0')}`;
    return ownerOf(packet([station(name.toUpperCase())]), { address: '192.0.2.1', port: 1812 }, 4);
  });
  const ports = numbers.map((at) => ownerOf(packet([]), { address: '192.0.2.1', port: 30_000 + at }, 4));
  for (const share of [...shares(stations), ...shares(ports)]) {
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.35);
  }
});
