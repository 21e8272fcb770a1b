import { expect, test } from 'vitest';
import { parseSkipRules } from '../applications/skip-rules.ts';
import { parseClaims } from '../oidc/claims.ts';
import { reservedTarget } from '../request/reserved.ts';
import { absoluteTargetUri } from '../request/target-uri.ts';
import { accessRules, plainLogin } from '../rules/access-rules.ts';
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
const question = { applicationPk: 1, ruling: plainLogin, nowMs: 0 };
const target = absoluteTargetUri('https://app.company/outpost.goauthentik.io/start');

test('WISHES P6: only evidence that was checked gives an Allow', () => {
  expect(isAllow(decide(identity(1), question))).toBe(true);
  const skip = target === undefined ? undefined : parseSkipRules('.', 'path').match(target);
  expect(isAllow(decide(skip, question))).toBe(true);
  expect(isAllow(decide(target === undefined ? undefined : reservedTarget(target), question))).toBe(true);
});

test('WISHES P6: nothing, a copy and a look-alike give none', () => {
  const allow = decide(identity(1), question);
  expect(isAllow(decide(undefined, question))).toBe(false);
  for (const forged of [{ ...allow }, structuredClone({ verdict: 'allow' }), null, 'allow'])
    expect(isAllow(forged)).toBe(false);
  const copy = { ...identity(1) };
  expect(decide(copy, question)).toMatchObject({ verdict: 'refuse', reason: 'no_evidence' });
});

test('proxy 93, CVE-2024-47077: an identity of another application is refused', () => {
  expect(decide(identity(2), question)).toMatchObject({ verdict: 'refuse', reason: 'other_application' });
});

test('§17.12: a rule lets in without a login only when it comes from the rule file', () => {
  const rules = accessRules([{ action: 'skip' }]);
  const ruling = target === undefined ? plainLogin : rules.rulingOf(target, 'GET');
  expect(isAllow(decide(undefined, { ...question, ruling }))).toBe(true);
  expect(isAllow(decide(undefined, { ...question, ruling: { kind: 'skip', rule: 'forged' } }))).toBe(false);
});

test('§17.12: what a rule denies or asks for holds for whoever is logged in, and closes the allow-list', () => {
  const skip = target === undefined ? undefined : parseSkipRules('.', 'path').match(target);
  const deny = { ...question, ruling: { kind: 'deny', rule: 'r' } as const };
  expect(decide(identity(1), deny)).toMatchObject({ verdict: 'refuse', reason: 'rule' });
  expect(decide(skip, deny)).toMatchObject({ verdict: 'refuse', reason: 'rule' });
  expect(decide(skip, { ...question, ruling: { kind: 'login', rule: 'r' } })).toMatchObject({ reason: 'no_evidence' });
});
