// Which realm a name belongs to, and what of a request and an answer passes between device and home server.
import { randomBytes } from 'node:crypto';
import {
  type Attribute,
  createDictionary,
  createPacketKey,
  decodePacket,
  encodeVendor,
  hidePassword,
  hideSalted,
  messageAuthenticator,
  revealPassword,
  revealSalted,
  signRequest,
  vendorId,
} from '@gatehouse/wire/radius';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPolicy } from '../policy/document.ts';
import { p1, providerOf, settings } from '../testing/start.ts';
import { forwardedRequest, isLoop, proxyStateMark, returnedAttributes } from './forwarded-packet.ts';
import { findRoute, isRealm, type Route } from './realms.ts';

const policy = readPolicy(
  `
home_servers:
  a: { address: 192.0.2.1, secret: x }
  b: { address: "2001:db8::1", secret: y, port: 11812 }
realms:
  - { realm: ours.test }
  - { realm: [example.org, EXAMPLE], home_servers: [a, b], strip: true }
  - { realm: "*.example.org", home_servers: [b] }
  - { realm: vpn.test, application: vpn, home_servers: [b] }
  - { realm: DEFAULT, home_servers: [a] }
  - { realm: "NULL", application: guests, home_servers: [b] }
`,
  'policy.yaml',
  createDictionary(),
);
const where = (username: string, app = 'wifi') => {
  const route = findRoute(policy.realms, app, username);
  return route && [route.rule.homeServers.join(), route.username, route.realm];
};

describe('RFC 7542: the realm of a name', () => {
  test.each([
    ['ada', undefined],
    ['ada@ours.test', undefined],
    ['ada@OURS.TEST', undefined],
    ['ada@example.org', ['a,b', 'ada', 'example.org']],
    ['EXAMPLE\\ada', ['a,b', 'ada', 'EXAMPLE']],
    ['ada@Physics.Example.Org', ['b', 'ada@Physics.Example.Org', 'Physics.Example.Org']],
    ['a@b@example.org', ['a,b', 'a@b', 'example.org']],
    ['@example.org', ['a,b', '', 'example.org']],
    ['ada@notexample.org', ['a', 'ada@notexample.org', 'notexample.org']],
    ['ada@vpn.test', ['a', 'ada@vpn.test', 'vpn.test']],
    ['EXAMPLE\\ada@ours.test', undefined],
    ['ada@', undefined],
    ['ada@.org', undefined],
    ['ada@a..b', undefined],
    ['ada@exa mple.org', undefined],
    ['', undefined],
  ])('%s', (name, expected) => expect(where(name)).toEqual(expected));

  test('an entry for one application is for that alone', () => {
    expect(where('ada@vpn.test', 'vpn')).toEqual(['b', 'ada@vpn.test', 'vpn.test']);
    expect(where('ada', 'guests')).toEqual(['b', 'ada', '']);
    expect(where('ada', 'vpn')).toBeUndefined();
  });

  test('any text is a name: nothing throws, and what is forwarded has a realm of good form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const route = findRoute(policy.realms, 'wifi', name);
        return route === undefined || isRealm(route.realm);
      }),
    );
  });
});

describe('RFC 2865 §2.3: what passes', () => {
  const [key, homeKey] = [createPacketKey('device'), createPacketKey('home')];
  const mark = proxyStateMark('seed');
  const route = findRoute(policy.realms, 'wifi', 'ada@example.org') as Route;
  const admitted = (attributes: readonly Attribute[], code = 1) => {
    const request = { code, identifier: 7, authenticator: randomBytes(16), attributes };
    return {
      packet: decodePacket(signRequest(request, key)),
      provider: providerOf(p1),
      key,
      client: '192.0.2.77',
      settings,
      port: 'authentication',
      owner: undefined,
      repetitions: { whenRepeated: () => undefined },
    } as const;
  };
  const name = { type: 1, value: Buffer.from('ada@example.org') };

  test('a password of any length and bytes is the same for the home server', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 128 }), (bytes) => {
        const password = Buffer.from(bytes);
        fc.pre(password.at(-1) !== 0);
        const authenticator = randomBytes(16);
        const hidden = { type: 2, value: hidePassword(password, authenticator, key) };
        const request = admitted([messageAuthenticator, name, hidden]);
        const packet = { ...request.packet, authenticator, attributes: [name, hidden], bytes: request.packet.bytes };
        const sent = forwardedRequest({ ...request, packet }, route, { key: homeKey }, mark);
        const value = sent?.attributes.find(({ type }) => type === 2)?.value ?? Buffer.alloc(16);
        return revealPassword(value, sent?.authenticator ?? authenticator, homeKey).equals(password);
      }),
    );
  });

  test('Message-Authenticator first, others kept in their order, our Proxy-State behind those of others', () => {
    const theirs = { type: 33, value: Buffer.from('theirs') };
    const request = admitted([theirs, name, messageAuthenticator, { type: 25, value: Buffer.from('c') }]);
    const sent = forwardedRequest(request, route, { key: homeKey }, mark);
    expect(sent?.attributes.map(({ type }) => type)).toEqual([80, 33, 1, 25, 4, 33]);
    expect(sent?.attributes[2]?.value.toString()).toBe('ada');
    expect(sent?.authenticator.equals(request.packet.authenticator)).toBe(false);
    expect(isLoop(request.packet, mark)).toBe(false);
    const again = decodePacket(signRequest({ identifier: 1, ...(sent ?? request.packet) }, homeKey));
    expect(isLoop(again, mark)).toBe(true);
    expect(isLoop(again, proxyStateMark('another'))).toBe(false);
  });

  test('more than 15 servers on the way are a loop of others', () => {
    expect(
      isLoop(admitted(Array.from({ length: 15 }, (_, at) => ({ type: 33, value: Buffer.of(at) }))).packet, mark),
    ).toBe(false);
    expect(
      isLoop(admitted(Array.from({ length: 16 }, (_, at) => ({ type: 33, value: Buffer.of(at) }))).packet, mark),
    ).toBe(true);
  });

  test('RFC 3579 §2.1, RFC 2759 §8.2: a name that the proof is about is never shortened', () => {
    const eap = { type: 79, value: Buffer.from('0201000a01616461', 'hex') };
    const msChap2 = encodeVendor({ vendor: vendorId.microsoft, type: 25, value: Buffer.alloc(50) });
    for (const proof of [eap, msChap2]) {
      const sent = forwardedRequest(admitted([name, proof]), route, { key: homeKey }, mark);
      expect(sent?.attributes.find(({ type }) => type === 1)?.value.toString()).toBe('ada@example.org');
      expect(sent?.attributes).toContainEqual(proof);
    }
  });

  test('RFC 2865 §5.3: CHAP without a challenge of its own takes the authenticator along', () => {
    const request = admitted([name, { type: 3, value: Buffer.alloc(17) }]);
    const sent = forwardedRequest(request, route, { key: homeKey }, mark);
    expect(sent?.attributes).toContainEqual({ type: 60, value: request.packet.authenticator });
  });

  test('keys and tunnel passwords of the answer are hidden anew for the device', () => {
    const [from, to] = [
      { authenticator: Buffer.alloc(16, 1), key: homeKey },
      { authenticator: Buffer.alloc(16, 2), key },
    ];
    const salt = Buffer.of(0x80, 1);
    const hide = (text: string) => hideSalted(Buffer.from(text), salt, from.authenticator, homeKey);
    const one = encodeVendor({ vendor: vendorId.microsoft, type: 17, value: hide('recv') }).value;
    const two = encodeVendor({ vendor: vendorId.microsoft, type: 16, value: hide('send') }).value;
    const reply = decodePacket(
      signRequest(
        {
          code: 2,
          identifier: 1,
          authenticator: Buffer.alloc(16),
          attributes: [
            messageAuthenticator,
            { type: 69, value: Buffer.concat([Buffer.of(3), hide('tunnel')]) },
            { type: 26, value: Buffer.concat([one, two.subarray(4)]) }, // both in one, as some send it
            { type: 81, value: Buffer.from('999') },
            { type: 33, value: Buffer.from('ours') },
          ],
        },
        homeKey,
      ),
    );
    const { attributes, dropped } = returnedAttributes(reply, { allow: new Set(['0/69']) }, from, to);
    expect(dropped).toEqual([81]);
    const reveal = (value: Buffer) => revealSalted(value, to.authenticator, key).toString();
    expect(attributes.map(({ type, value }) => reveal(value.subarray(type === 69 ? 1 : 6)))).toEqual([
      'tunnel',
      'recv',
      'send',
    ]);
    expect(new Set(attributes.map(({ type, value }) => value.subarray(type === 69 ? 1 : 6).readUInt16BE(0))).size).toBe(
      3,
    );
    expect(returnedAttributes(reply, { allow: 'all' }, to, to).dropped).toEqual([69, 26]); // under another secret
  });
});
