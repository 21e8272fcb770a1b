// The values of RFC 1320, RFC 2759 §9.2 and RFC 3079 §3.5.3, as radius.md §11.6 lists them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireError } from '../errors.ts';
import { decodeMsChapResponse, encodeMsChapChallenge, encodeMsChapResult } from './eap-mschapv2.ts';
import { md4 } from './md4.ts';
import {
  authenticatorResponse,
  challengeResponse,
  isMsChapResponse,
  mppeKeys,
  ntHash,
  withoutDomain,
} from './mschapv2.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const response = {
  username: 'User',
  challenge: hex('5b5d7c7d7b3f2f3e3c2c602132262628'),
  peerChallenge: hex('21402324255e262a28295f2b3a337c7e'),
  ntResponse: hex('82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df'),
};

test.each([
  ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
  ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
  ['message digest', 'd9130a8164549fe818874806e1c7014b'],
  ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
  [
    '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
    'e33b4ddc9c38f2199c3e7b164fcc0536',
  ],
])('RFC 1320 App. A.5: MD4("%s")', (text, digest) => {
  expect(md4(Buffer.from(text)).toString('hex')).toBe(digest);
});

test('RFC 2759 §9.2: NT hash, response and authenticator response', () => {
  const hash = ntHash('clientPass');
  expect(hash.toString('hex')).toBe('44ebba8d5312b8d611474411f56989ae');
  expect(challengeResponse(hash, response).toString('hex')).toBe(response.ntResponse.toString('hex'));
  expect(isMsChapResponse(hash, response)).toBe(true);
  expect(isMsChapResponse(hash, { ...response, username: 'EXAMPLE\\User' })).toBe(true);
  expect(isMsChapResponse(ntHash('clientpass'), response)).toBe(false);
  expect(authenticatorResponse(hash, response)).toBe('S=407A5589115FD0D6209F510FE9C04566932CDA56');
});

test('RFC 3079 §3.5.3: the keys of the server', () => {
  const { sendKey, recvKey } = mppeKeys(ntHash('clientPass'), response.ntResponse);
  expect(sendKey.toString('hex')).toBe('8b7cdc149b993a1ba118cb153f56dccb');
  expect(recvKey.toString('hex')).toBe('d5f0e9521e3ea9589645e86051c82226');
});

test('RFC 2759 §8.2: the domain is not part of the name', () => {
  expect(['EXAMPLE\\alice', 'alice', 'alice@example.test'].map(withoutDomain)).toEqual([
    'alice',
    'alice',
    'alice@example.test',
  ]);
});

test('EAP-MSCHAPv2: lengths are right, and any bytes are a response or a typed error', () => {
  expect(encodeMsChapChallenge(7, Buffer.alloc(16, 1), 'gw').toString('hex')).toBe(`0107001710${'01'.repeat(16)}6777`);
  expect(encodeMsChapResult(4, 7, 'E=691').toString('hex')).toBe('04070009453d363931');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        expect(decodeMsChapResponse(Buffer.from(bytes)).ntResponse).toHaveLength(24);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { seed: 2759 },
  );
});
