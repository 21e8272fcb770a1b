// WISHES L32: clients delete accounts on an empty success, so success without entries comes from a complete, fresh and authorised
// view only. Every call of the outpost is spoilt in every way, at refresh and while searching, in both modes and for every
// kind of reader; a search for somebody who is there either finds him or is an error.
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../../harness/index.ts';
import { cached, direct, dnOf, ldapFixture, password } from './fixture.ts';
import { codeOf, namesOf, searchRequest, WireClient } from './wire-client.ts';

const fixture = ldapFixture({ AUTHENTIK_LDAP__PAGE_SIZE: '5' });

const faults: readonly (readonly [string, Fault])[] = [
  ['500', { kind: 'status', status: 500 }],
  ['403', { kind: 'status', status: 403 }],
  ['404', { kind: 'status', status: 404 }],
  ['a cut connection', { kind: 'cut' }],
  ['garbage', { kind: 'garbage' }],
  ['an empty list', { kind: 'status', status: 200, body: '{"pagination":{"next":0,"count":21},"results":[]}' }],
];
const calls: readonly (readonly [string, RegExp])[] = [
  ['outpost', /GET \/api\/v3\/outposts\/instances\//],
  ['providers', /GET \/api\/v3\/outposts\/ldap\/\?/],
  ['users', /GET \/api\/v3\/core\/users\//],
  ['a later page of users', /GET \/api\/v3\/core\/users\/.*[?&]page=2/],
  ['groups', /GET \/api\/v3\/core\/groups\//],
];
const spoilt = calls.flatMap(([call, matching]) =>
  faults.map(([fault, kind]) => [call, fault, matching, kind] as const),
);

/** Of these, what a direct search asks. */
const directCalls = new Set(['users', 'a later page of users', 'groups']);

/** What must hold of every answer about somebody who is there. */
function expectNeverEmpty(answers: Awaited<ReturnType<WireClient['request']>>, who: string): void {
  const found = namesOf(answers).includes(who);
  expect({ found, code: codeOf(answers) }).not.toEqual({ found: false, code: 0 });
}

describe.each([
  ['memory', cached, spoilt],
  // What a direct search asks; it tries each call again before it gives up.
  ['the core', direct, spoilt.filter(([call, fault]) => directCalls.has(call) && !fault.startsWith('4'))],
] as const)('searches answered from %s', (_from, base, cases) => {
  test.each(cases)(
    '%s answering %s: who is there is found, or it is an error',
    async (call, _fault, matching, fault) => {
      using svc = await WireClient.plain(fixture.port);
      expect(await svc.bind(dnOf('svc', base), password)).toBe(0);
      const heal = fixture.gate.spoil(matching, fault);
      onTestFinished(heal);
      process.kill(fixture.daemon.pid ?? 0, 'SIGUSR1');
      const [filter, who] =
        call === 'groups' ? [`(member=${dnOf('jdoe', base)})`, 'devs'] : ['(displayName=John*)', 'jdoe'];
      expectNeverEmpty(await svc.request(searchRequest(base, filter)), who);
      heal();
    },
  );

  test('whoever sees himself only, sees himself or an error', async () => {
    using jane = await WireClient.plain(fixture.port);
    expect(await jane.bind(dnOf('jane', base), password)).toBe(0);
    for (const [, fault] of faults) {
      const heal = fixture.gate.spoil(/GET \/api\/v3\/core\/(?:users|groups)\//, fault);
      expectNeverEmpty(await jane.request(searchRequest(base, '(cn=jane)')), 'jane');
      heal();
    }
  });
});
