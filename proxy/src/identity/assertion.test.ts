import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { verifiedIdentity } from '../authentication/identity.ts';
import { parseClaims } from '../oidc/claims.ts';
import { createAsserter } from './assertion.ts';
import type { HeaderBlock } from './header-block.ts';

const names = { issuer: 'https://app.company', audience: 'http://10.0.0.1:8081' };
const nowMs = Date.parse('2026-01-01T00:00:00Z');
const identity = (expiresAtMs = nowMs + 3_600_000) =>
  verifiedIdentity({
    applicationPk: 1,
    claims: parseClaims({ sub: 'u', sid: 's', email: 'a@x', groups: ['a'] }, 'access-token'),
    via: 'session',
    expiresAtMs,
    identityHeaders: [],
  });
const assertionOf = (block: HeaderBlock) => block.flat.at(-1) ?? '';
const verify = (token: string, keys: ReturnType<typeof createAsserter>, atMs: number) =>
  jwtVerify(token, createLocalJWKSet({ keys: [{ kty: 'EC', ...keys.publicJwk }] }), {
    ...names,
    currentDate: new Date(atMs),
  });

test('§17.16: an application can verify it with the key set, for five minutes', async () => {
  const asserter = createAsserter('cookie-secret', names);
  const token = assertionOf(asserter.headers(identity(), nowMs));
  const { payload, protectedHeader } = await verify(token, asserter, nowMs);
  expect(protectedHeader.alg).toBe('ES256');
  expect(payload).toMatchObject({ sub: 'u', email: 'a@x', groups: ['a'], iss: names.issuer, aud: names.audience });
  expect(payload['sid']).not.toBe('s');
  expect(token).not.toContain('access-token');
  await expect(verify(token, asserter, nowMs + 301_000)).rejects.toThrow('exp');
});

test('§17.16: one signature for four minutes, and never beyond the session', async () => {
  const asserter = createAsserter('cookie-secret', names);
  const who = identity();
  const first = asserter.headers(who, nowMs);
  expect(asserter.headers(who, nowMs + 239_000)).toBe(first);
  expect(asserter.headers(who, nowMs + 240_000)).not.toBe(first);
  const short = identity(nowMs + 10_000);
  const { payload } = await verify(assertionOf(asserter.headers(short, nowMs)), asserter, nowMs);
  expect(payload.exp).toBe(nowMs / 1000 + 10);
});

test('§17.16: replicas with one secret share the key, another secret has another', async () => {
  const [one, two, other] = ['s', 's', 't'].map((secret) => createAsserter(secret, names));
  expect(one?.publicJwk).toEqual(two?.publicJwk);
  expect(one?.publicJwk['kid']).not.toBe(other?.publicJwk['kid']);
  expect(JSON.stringify(one?.publicJwk)).not.toContain('"d"');
});
