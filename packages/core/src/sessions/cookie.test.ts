import { createHmac } from 'node:crypto';
import { Secret } from '@gatehouse/daemon/config';
import fc from 'fast-check';
import { jwtVerify, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { readSessionCookie, sessionCookieKey, signSessionCookie } from './cookie.ts';

const key = sessionCookieKey(new Secret('a secret key'));
const claims = { sid: 'abc', sub: 'anonymous', authenticated: false };

test('flow-executor 7.2: jose reads what is signed here, and the other way round', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), fc.string(), fc.boolean(), async (sid, sub, authenticated) => {
      const ours = signSessionCookie(key, { sid, sub, authenticated });
      const { payload, protectedHeader } = await jwtVerify(ours, key, { algorithms: ['HS256'], issuer: 'authentik' });
      expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' });
      expect(payload).toEqual({
        sid,
        sub,
        authenticated,
        iss: 'authentik',
        acr: 'goauthentik.io/core/default',
      });
      expect(readSessionCookie(key, ours)).toBe(sid);
      const theirs = await new SignJWT({ sid }).setProtectedHeader({ alg: 'HS256' }).setIssuer('authentik').sign(key);
      expect(readSessionCookie(key, theirs)).toBe(sid);
    }),
    { seed: 7, numRuns: 200 },
  );
});

test('what is changed anywhere, cut or signed by another key opens no session', () => {
  const cookie = signSessionCookie(key, claims);
  for (let at = 0; at < cookie.length; at += 1) {
    const other = cookie[at] === 'A' ? 'Q' : 'A';
    const changed = `${cookie.slice(0, at)}${other}${cookie.slice(at + 1)}`;
    const same = Buffer.from(changed.split('.')[2] ?? '', 'base64url').equals(
      Buffer.from(cookie.split('.')[2] ?? '', 'base64url'),
    );
    if (!same || changed.slice(0, changed.lastIndexOf('.')) !== cookie.slice(0, cookie.lastIndexOf('.')))
      expect(readSessionCookie(key, changed)).toBeUndefined();
    expect(readSessionCookie(key, cookie.slice(0, at))).toBeUndefined();
  }
  expect(readSessionCookie(sessionCookieKey(new Secret('another')), cookie)).toBeUndefined();
  expect(readSessionCookie(key, `${cookie}.x`)).toBeUndefined();
});

test('no other algorithm, issuer or critical extension is taken, though signed by our key', () => {
  for (const [header, payload] of [
    [{ alg: 'none' }, { sid: 'abc', iss: 'authentik' }],
    [{ alg: 'HS512' }, { sid: 'abc', iss: 'authentik' }],
    [
      { alg: 'HS256', crit: ['exp'] },
      { sid: 'abc', iss: 'authentik' },
    ],
    [{ alg: 'HS256' }, { sid: 'abc', iss: 'somebody' }],
    [{ alg: 'HS256' }, { sid: '', iss: 'authentik' }],
    [{ alg: 'HS256' }, { iss: 'authentik' }],
  ] as const) {
    const text = [header, payload].map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')).join('.');
    const proof = createHmac('sha256', key).update(text).digest('base64url');
    expect(readSessionCookie(key, `${text}.${proof}`)).toBeUndefined();
  }
});
