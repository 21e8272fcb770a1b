import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { createUrlSigner, signingKey } from './signed-url.ts';

const nowMs = Date.parse('2026-03-01T12:04:59Z');
const key = signingKey('secret', 'media');
const signer = createUrlSigner(key, 900_000);
const path = 'media/public/icon.png' as const;

test('files F6: HS256 under hex SHA-256 of secret:usage, with path, exp and nbf', async () => {
  const token = await signer.sign(path, nowMs);
  const [head, body, signature] = token.split('.');
  expect(new TextDecoder().decode(key)).toBe(createHash('sha256').update('secret:media').digest('hex'));
  expect(createHmac('sha256', new TextDecoder().decode(key)).update(`${head}.${body}`).digest('base64url')).toBe(
    signature,
  );
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'JWT' });
  const claims = decodeJwt(token);
  expect(claims['path']).toBe(path);
  expect(claims.exp).toBeLessThanOrEqual(nowMs / 1000 + 900);
  expect(claims.nbf).toBeLessThanOrEqual(nowMs / 1000);
});

test('files F7: another path, an altered byte, another usage or time fails', async () => {
  const token = await signer.sign(path, nowMs);
  expect(await signer.verify(token, path, nowMs)).toBe(true);
  expect(await signer.verify(token, 'media/public/other.png', nowMs)).toBe(false);
  expect(await signer.verify(token, path, nowMs + 900_000)).toBe(false);
  expect(await createUrlSigner(signingKey('secret', 'reports'), 900_000).verify(token, path, nowMs)).toBe(false);
  for (let at = 0; at < token.length; at += 7) {
    const altered = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    expect(await signer.verify(altered, path, nowMs), `byte ${at}`).toBe(false);
  }
});

test('files F8: no exp, or another algorithm, fails', async () => {
  const without = await new SignJWT({ path }).setProtectedHeader({ alg: 'HS256' }).sign(key);
  const other = await new SignJWT({ path, exp: nowMs / 1000 + 60 }).setProtectedHeader({ alg: 'HS512' }).sign(key);
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ path, exp: 9e9 })).toString('base64url')}.`;
  for (const token of [without, other, none, '', 'x.y.z']) expect(await signer.verify(token, path, nowMs)).toBe(false);
});

test('files F45: whenever it is handed out, at least two thirds of the life are left, and the URL is stable in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3_000, max: 86_400_000 }),
      fc.integer({ min: 0, max: 4e12 }),
      async (lifeMs, at) => {
        const one = createUrlSigner(key, lifeMs);
        const token = await one.sign(path, at);
        expect(await one.verify(token, path, at)).toBe(true);
        expect((decodeJwt(token).exp ?? 0) * 1000 - at).toBeGreaterThanOrEqual((lifeMs * 2) / 3 - 2_000);
      },
    ),
    { numRuns: 200 },
  );
});
