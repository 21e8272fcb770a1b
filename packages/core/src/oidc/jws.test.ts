import { generateKeyPairSync } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { signCompact } from './jws.ts';

const payload = {
  iss: 'http://localhost/ä/',
  sub: 'ü',
  exp: 1_900_000_000,
  groups: ['a', 'b'],
  nested: { none: null },
};
const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

for (const [alg, namedCurve] of Object.entries(curves))
  test(`RFC 7515 A: jose verifies what is signed by ${alg}`, async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const jws = await signCompact({ alg, typ: 'JWT', kid: 'k' }, payload, privateKey);
    const verified = await compactVerify(jws, publicKey, { algorithms: [alg] });
    expect(verified.protectedHeader).toEqual({ alg, typ: 'JWT', kid: 'k' });
    expect(JSON.parse(new TextDecoder().decode(verified.payload))).toEqual(payload);
  });

test('RFC 7515 A: RS256 and HS256, which leave no choice, give what jose gives', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secret = new TextEncoder().encode('a secret of more than thirty-two bytes');
  for (const [alg, key] of [
    ['RS256', privateKey],
    ['HS256', secret],
  ] as const) {
    const header = { alg, typ: 'JWT', kid: 'k' };
    expect(await signCompact(header, payload, key)).toBe(
      await new SignJWT(payload).setProtectedHeader(header).sign(key),
    );
  }
});
