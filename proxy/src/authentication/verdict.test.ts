import { expect, test } from 'vitest';
import { parseSkipRules } from '../applications/skip-rules.ts';
import { parseClaims } from '../oidc/claims.ts';
import { reservedTarget } from '../request/reserved.ts';
import { absoluteTargetUri } from '../request/target-uri.ts';
import { verifiedIdentity } from './identity.ts';
import { decide, isAllow } from './verdict.ts';

const identity = (applicationPk: number) =>
  verifiedIdentity({
    applicationPk,
    claims: parseClaims({ sub: 'u' }, 'jwt'),
    via: 'session',
    expiresAtMs: 1,
    identityHeaders: [],
  });
const target = absoluteTargetUri('https://app.company/outpost.goauthentik.io/start');

test('WISHES P6: only evidence that was checked gives an Allow', () => {
  expect(isAllow(decide(identity(1), 1))).toBe(true);
  const skip = target === undefined ? undefined : parseSkipRules('.', 'path').match(target);
  expect(isAllow(decide(skip, 1))).toBe(true);
  expect(isAllow(decide(target === undefined ? undefined : reservedTarget(target), 1))).toBe(true);
});

test('WISHES P6: nothing, a copy and a look-alike give none', () => {
  const allow = decide(identity(1), 1);
  expect(isAllow(decide(undefined, 1))).toBe(false);
  for (const forged of [{ ...allow }, structuredClone({ verdict: 'allow' }), null, 'allow'])
    expect(isAllow(forged)).toBe(false);
  const copy = { ...identity(1) };
  expect(decide(copy, 1)).toEqual({ verdict: 'refuse', reason: 'no_evidence' });
});

test('proxy 93, CVE-2024-47077: an identity of another application is refused', () => {
  expect(decide(identity(2), 1)).toEqual({ verdict: 'refuse', reason: 'other_application' });
});
