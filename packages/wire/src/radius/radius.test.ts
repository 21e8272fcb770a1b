// The RADIUS codec against the vectors of radius.md §12, its malformed corpus (§13), node:crypto and its own inverse.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireError } from '../errors.ts';
import { vectorSuite } from '../testing/vector-suite.ts';
import {
  checkMessageAuthenticator,
  checkReply,
  isRequestAuthenticatorValid,
  messageAuthenticator,
  signReply,
  signRequest,
} from './authenticators.ts';
import { createDictionary } from './dictionary.ts';
import { hidePassword, hideSalted, revealPassword, revealSalted } from './hidden-values.ts';
import { createPads, digestFront, front, hmacFront } from './md5.ts';
import { decodePacket, encodePacket, firstValue, framePacket, joinedValue, splitValue } from './packet.ts';
import { createPacketKey } from './packet-key.ts';
import { formatValue, parseValue } from './values.ts';
import {
  decodeExtended,
  decodeExtendedVendor,
  decodeVendor,
  encodeExtended,
  encodeExtendedVendor,
  encodeVendor,
  extendedVendorSpecific,
} from './vendor.ts';

interface Vector {
  readonly name: string;
  readonly source: string;
  readonly secret: string;
  readonly hex: string;
  readonly replyTo?: string;
  readonly password?: string;
}
const vectors: readonly Vector[] = JSON.parse(readFileSync(new URL('../vectors/radius.json', import.meta.url), 'utf8'));
const packetOf = (name: string) =>
  decodePacket(Buffer.from(vectors.find((one) => one.name === name)?.hex ?? '', 'hex'));
const testing123 = createPacketKey('testing123');

vectorSuite('radius §12', { decode: decodePacket, encode: encodePacket, frame: framePacket }, vectors);

describe('radius §12: authenticators', () => {
  for (const { name, secret, hex, replyTo, password } of vectors) {
    const key = createPacketKey(secret);
    test(`${name} is authentic, and signing it gives the same bytes`, () => {
      const packet = decodePacket(Buffer.from(hex, 'hex'));
      if (replyTo === undefined) {
        expect(checkMessageAuthenticator(packet, key)).toBe(
          packet.messageAuthenticatorAt === undefined ? 'absent' : 'valid',
        );
        if (packet.code === 4 || packet.code === 40) expect(isRequestAuthenticatorValid(packet, key)).toBe(true);
        expect(signRequest(packet, key).toString('hex')).toBe(hex);
      } else {
        const request = packetOf(replyTo);
        const expected = packet.messageAuthenticatorAt === undefined ? 'absent' : 'valid';
        expect(checkReply(packet, request, key)).toEqual({ authentic: true, messageAuthenticator: expected });
        expect(signReply(packet, request, key).toString('hex')).toBe(hex);
      }
    });
    if (password !== undefined)
      test(`${name} hides the password ${JSON.stringify(password.slice(0, 30))}`, () => {
        const packet = decodePacket(Buffer.from(hex, 'hex'));
        const hidden = firstValue(packet, 2) ?? Buffer.alloc(0);
        expect(revealPassword(hidden, packet.authenticator, key).toString('utf8')).toBe(password);
        expect(hidePassword(Buffer.from(password), packet.authenticator, key)).toEqual(hidden);
      });
  }

  test('radius C07: every one-bit change of the Message-Authenticator of V03 is seen', () => {
    const bytes = packetOf('V03').bytes;
    for (let bit = 22 * 8; bit < 38 * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(checkMessageAuthenticator(decodePacket(changed), testing123)).toBe('wrong');
    }
  });
  test('radius M19: every one-bit change of the authenticator of V26 is seen', () => {
    const bytes = packetOf('V26').bytes;
    for (let bit = 4 * 8; bit < 20 * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(isRequestAuthenticatorValid(decodePacket(changed), testing123)).toBe(false);
    }
  });
  test.each([
    [1, [2, 3, 11]],
    [4, [5]],
    [12, [2, 5]],
    [40, [41, 42]],
    [43, [44, 45]],
  ])(
    'radius §11.4: code %i and its answers %j prove each other, with Message-Authenticator and without',
    (code, answers) => {
      const authenticator = Buffer.alloc(16, 9);
      for (const attributes of [
        [],
        [messageAuthenticator],
        [{ type: 18, value: Buffer.from('x') }, messageAuthenticator],
      ]) {
        const request = decodePacket(signRequest({ code, identifier: 7, authenticator, attributes }, testing123));
        const expected = attributes.length === 0 ? 'absent' : 'valid';
        expect(checkMessageAuthenticator(request, testing123)).toBe(expected);
        if (code === 4 || code === 40 || code === 43)
          expect(isRequestAuthenticatorValid(request, testing123)).toBe(true);
        for (const answer of answers) {
          const bytes = signReply({ code: answer, attributes }, request, testing123);
          const proof = { authentic: true, messageAuthenticator: expected };
          expect(checkReply(decodePacket(bytes), request, testing123)).toEqual(proof);
          bytes.writeUInt8(answer ^ 1, 0);
          expect(checkReply(decodePacket(bytes), request, testing123).authentic).toBe(false);
        }
      }
    },
  );
  test('radius §12: another secret does not fit', () => {
    expect(checkMessageAuthenticator(packetOf('V03'), createPacketKey('testing124'))).toBe('wrong');
    expect(checkReply(packetOf('V05'), packetOf('V03'), createPacketKey('testing124')).authentic).toBe(false);
  });
  test('radius V29b: accounting answers with a Message-Authenticator over the request are refused', () => {
    const hex = '053e0026335fe99afc8d68901f4d5a5099ad9839501295a0565e069f6d456398d36484685b58';
    const checked = checkReply(decodePacket(Buffer.from(hex, 'hex')), packetOf('V28'), testing123);
    expect(checked).toEqual({ authentic: true, messageAuthenticator: 'wrong' });
  });
});

describe('radius §12.4: values', () => {
  test('V31: tunnel password, vendor attributes', () => {
    const packet = packetOf('V31');
    const value = firstValue(packet, 69) ?? Buffer.alloc(0);
    const ra = packetOf('V03').authenticator;
    expect(revealSalted(value.subarray(1), ra, testing123).toString()).toBe('wpa-passphrase-of-alice');
    expect(hideSalted(Buffer.from('wpa-passphrase-of-alice'), Buffer.of(0x80, 1), ra, testing123)).toEqual(
      value.subarray(1),
    );
    const vendor = packet.attributes.filter(({ type }) => type === 26).flatMap((one) => decodeVendor(one.value) ?? []);
    expect(vendor.map((one) => [one.vendor, one.type, one.value.toString()])).toEqual([
      [9, 1, 'shell:priv-lvl=15'],
      [14988, 3, 'full'],
      [12356, 1, 'vpn-users'],
    ]);
  });
  test('V32: MPPE keys', () => {
    const keys = packetOf('V32').attributes.flatMap(({ type, value }) =>
      type === 26 ? (decodeVendor(value) ?? []) : [],
    );
    const ra = packetOf('V03').authenticator;
    const plain = keys.map(({ type, value }) => [type, revealSalted(value, ra, testing123).toString('hex')]);
    const msk = Buffer.from(Array.from({ length: 64 }, (_, at) => at)).toString('hex');
    expect(plain).toEqual([
      [17, msk.slice(0, 64)],
      [16, msk.slice(64)],
    ]);
  });
  test('V33: two values in one attribute 26', () => {
    expect(
      decodeVendor(firstValue(packetOf('V33'), 26) ?? Buffer.alloc(0))?.map(({ value }) => value.toString()),
    ).toEqual(['a=b1', 'c=d2']);
  });
  test('V34: IPv6', () => {
    const dictionary = createDictionary();
    const shown = packetOf('V34').attributes.flatMap(({ type, value }) => {
      const entry = dictionary.byNumber(0, type);
      return type < 95 || entry === undefined ? [] : [`${entry.name} ${formatValue(entry.valueType, value)}`];
    });
    expect(shown).toEqual([
      'NAS-IPv6-Address 2001:db8::10',
      'Framed-IPv6-Prefix 2001:db8:1::/64',
      'Framed-IPv6-Address 2001:db8:1::5',
    ]);
  });
  test('V35: extended and long extended', () => {
    const [short, long] = decodeExtended(packetOf('V35').attributes);
    expect([short?.type, short?.extendedType, short?.value.toString('hex')]).toEqual([241, 1, '00000001']);
    expect(long?.value.toString()).toBe('A'.repeat(251) + 'B'.repeat(10));
    expect(encodeExtended(long ?? { type: 0, extendedType: 0, value: Buffer.alloc(0) })).toEqual(
      packetOf('V35').attributes.filter(({ type }) => type === 245),
    );
  });
  test('V41: an EAP message in three pieces', () => {
    const joined = joinedValue(packetOf('V41'), 79) ?? Buffer.alloc(0);
    expect(joined.length).toBe(605);
    expect(splitValue(79, joined)).toEqual(packetOf('V41').attributes.filter(({ type }) => type === 79));
  });
});

describe('radius §13: malformed corpus', () => {
  const zeros = '00'.repeat(16);
  const cases: readonly (readonly [string, string])[] = [
    ['M01', ''],
    ['M02', `01010013${'00'.repeat(15)}`],
    ['M03', `0101000a${zeros}`],
    ['M04', `01010015${zeros}`],
    ['M05', `01010018${zeros}010a6161`],
    ['M06', `01010017${zeros}010161`],
    ['M07', `01010016${zeros}0100`],
    ['M08', `01010015${zeros}01`],
    ['M09', `01011001${'00'.repeat(4093)}`],
    ['M10', `010100${(20 + 36).toString(16)}${zeros}${`5012${zeros}`.repeat(2)}`],
    ['M11', `01010025${zeros}5011${'00'.repeat(15)}`],
    ['M16', `01011000${zeros}${'0102'.repeat(2038)}`],
  ];
  for (const [name, hex] of cases)
    test(`${name} is refused`, () => expect(() => decodePacket(Buffer.from(hex, 'hex'))).toThrow(WireError));

  test('M12: passwords of other lengths than 16, 32, … 128 are refused', () => {
    for (const length of [0, 1, 15, 17, 18, 19, 20, 21, 22, 23, 24, 31, 127, 129, 144, 253])
      expect(() => revealPassword(Buffer.alloc(length), Buffer.alloc(16), testing123)).toThrow(WireError);
  });
  test('M14: attribute 26 that does not add up is no vendor attribute', () => {
    for (const hex of ['0000', '00000009', '0000000901', '000000090100', '000000090101', '0000000901ff61'])
      expect(decodeVendor(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
  test('M20: padding after Length is ignored', () => {
    const padded = Buffer.concat([packetOf('V03').bytes, Buffer.alloc(100, 0xff)]);
    expect(decodePacket(padded)).toEqual(packetOf('V03'));
  });
});

describe('properties', () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((one) => Buffer.from(one));
  const ra = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((one) => Buffer.from(one));
  const attributes = fc.array(fc.record({ type: fc.integer({ min: 1, max: 79 }), value: bytes(253) }), {
    maxLength: 15,
  });

  test('RFC 1321, RFC 2104: MD5 and HMAC-MD5 agree with node:crypto', () => {
    fc.assert(
      fc.property(bytes(300), bytes(200), fc.nat(4_000), (message, secret, more) => {
        const out = Buffer.alloc(16);
        const long = Buffer.concat([message, Buffer.alloc(more, 7)]);
        for (const one of [message, long]) {
          front.set(one);
          digestFront(out, 0, one.length);
          expect(out).toEqual(createHash('md5').update(one).digest());
          const pads = createPads(secret);
          front.set(one);
          hmacFront(out, 0, pads, one.length);
          expect(out).toEqual(createHmac('md5', secret).update(one).digest());
        }
      }),
      { seed: 1321, numRuns: 500 },
    );
  });
  test('RFC 2865 §3: encode then decode gives the same packet', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), ra, attributes, (code, identifier, authenticator, list) => {
        const packet = { code, identifier, authenticator, attributes: list };
        expect(decodePacket(encodePacket(packet))).toMatchObject(packet);
      }),
      { seed: 2865 },
    );
  });
  test('RFC 2865 §5.2, RFC 2868 §3.5: hidden values come back', () => {
    fc.assert(
      fc.property(
        bytes(128),
        ra,
        fc.string({ minLength: 1 }),
        fc.integer({ min: 0x8000, max: 0xffff }),
        (plain, authenticator, secret, salt) => {
          const key = createPacketKey(secret);
          const password = Buffer.from(plain.map((byte) => byte || 1));
          expect(revealPassword(hidePassword(password, authenticator, key), authenticator, key)).toEqual(password);
          const salted = hideSalted(plain, Buffer.of(salt >> 8, salt & 255), authenticator, key);
          expect(revealSalted(salted, authenticator, key)).toEqual(plain);
        },
      ),
      { seed: 2868 },
    );
  });
  test('RFC 6929: extended attributes come back; RFC 2865 §5.26: vendor attributes too', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(245, 246),
        fc.nat(255),
        bytes(1200),
        bytes(247),
        (type, extendedType, long, short) => {
          expect(decodeExtended(encodeExtended({ type, extendedType, value: long }))).toEqual([
            { type, extendedType, value: long },
          ]);
          expect(decodeVendor(encodeVendor({ vendor: 9, type: extendedType, value: short }).value)).toEqual([
            { vendor: 9, type: extendedType, value: short },
          ]);
        },
      ),
      { seed: 6929 },
    );
  });
  test('any bytes give a packet or a WireError, and so do extended attributes', () => {
    fc.assert(
      fc.property(bytes(400), fc.boolean(), (noise, isFramed) => {
        if (isFramed && noise.length >= 20) noise.writeUInt16BE(noise.length, 2);
        try {
          decodeExtended(decodePacket(noise).attributes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { seed: 13, numRuns: 5_000 },
    );
  });
});

describe('dictionary values', () => {
  const cases = [
    ['ipaddr', '10.1.2.3', '0a010203'],
    ['integer', '3600', '00000e10'],
    ['ipv6addr', '2001:db8::1', '20010db8000000000000000000000001'],
    ['ipv6prefix', '2001:db8::/64', '004020010db800000000'],
    ['tagged-integer', '13', '0100000d'],
    ['tagged-text', '20', '013230'],
    ['text', 'zoë', '7a6fc3ab'],
    ['integer64', '18446744073709551615', 'ffffffffffffffff'],
    ['date', '1767225600', '6955b900'],
    ['ifid', '0:0:dead:1', '00000000dead0001'],
    ['ipv4prefix', '10.1.0.0/16', '00100a010000'],
    ['octets', '0x00ff', '00ff'],
  ] as const;
  for (const [type, text, hex] of cases)
    test(`radius §11.3: ${type} ${text}`, () => {
      expect(parseValue(type, text, 1).toString('hex')).toBe(hex);
      expect(formatValue(type, Buffer.from(hex, 'hex'))).toBe(text);
    });
  for (const [type, text] of [
    ['integer', '-1'],
    ['integer', '4294967296'],
    ['tagged-integer', '16777216'],
    ['ipaddr', '10.1.2'],
    ['ipv6addr', 'fe80::1%eth0'],
    ['ipv6prefix', '::/129'],
    ['ipv4prefix', '10.0.0.0/33'],
    ['ipv4prefix', '10.0.0/8'],
    ['ifid', '1:2:3'],
    ['ifid', '1:2:3:10000'],
    ['integer64', '18446744073709551616'],
    ['date', '2026-13-01'],
    ['salted', 'x'],
  ] as const)
    test(`radius §11.3: "${text}" is no ${type}`, () => expect(() => parseValue(type, text)).toThrow(WireError));
  test('radius §11.3: a date may be written as people write it; bits behind an IPv4 prefix are zero; untagged text', () => {
    expect(parseValue('date', '2026-01-01T00:00:00Z').toString('hex')).toBe('6955b900');
    expect(parseValue('ipv4prefix', '10.1.2.3/8').toString('hex')).toBe('00080a000000');
    expect(parseValue('tagged-text', '20').toString()).toBe('20');
    expect([formatValue('tagged-text', Buffer.from('20')), formatValue('ifid', Buffer.alloc(3))]).toEqual([
      '20',
      '0x000000',
    ]);
  });
  test.each([
    'text',
    'octets',
    'integer',
    'integer64',
    'ipaddr',
    'ipv6addr',
    'ipv4prefix',
    'ipv6prefix',
    'ifid',
    'date',
    'tagged-integer',
    'tagged-text',
  ] as const)('radius §11.3: %s: whatever the bytes, what is shown can be written and gives them again', (type) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (noise) => {
        const value = Buffer.from(noise);
        const shown = formatValue(type, value);
        const isText = type === 'text' || type === 'tagged-text';
        if (shown.startsWith('0x') || isText) return;
        const again = formatValue(type, parseValue(type, shown, value[0] ?? 0));
        // Bits behind a prefix are no part of it.
        if (type.endsWith('prefix')) expect(again.split('/')[1]).toBe(shown.split('/')[1]);
        else expect(again).toBe(shown);
      }),
      { seed: 8044, numRuns: 500 },
    );
  });
  test('RFC 6929 §2.4: a vendor in the extended space, short and long', () => {
    const long = { vendor: 9, type: 200, value: Buffer.alloc(700, 7) };
    for (const [type, given] of [
      [241, { ...long, value: Buffer.from('short') }],
      [244, { ...long, value: Buffer.alloc(0) }],
      [245, long],
      [246, long],
    ] as const) {
      const [one] = decodeExtended(encodeExtendedVendor(type, given));
      expect([one?.type, one?.extendedType]).toEqual([type, extendedVendorSpecific]);
      expect(decodeExtendedVendor(one?.value ?? Buffer.alloc(0))).toEqual(given);
    }
    expect(decodeExtendedVendor(Buffer.alloc(4))).toBeUndefined();
  });
  test('names are found whatever their case', () => {
    expect(createDictionary().byName('cisco-avpair')).toMatchObject({
      name: 'Cisco-AVPair',
      vendor: 9,
      type: 1,
      valueType: 'text',
    });
  });
});
