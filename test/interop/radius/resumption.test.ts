// A device that comes back by a short handshake while verdicts are remembered: the core is not asked, and still has the last word.
// (A session that ends in the core ends the ticket with it: the device logs in anew, by its password.)
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { eapolTest } from '@gatehouse/radius/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout, until } from '../../harness/index.ts';
import { type Site, startSite } from './site.ts';

describe.skipIf(skipWithout('eapol_test'))('resumed logins that are remembered', { timeout: 120_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite('', { AUTHENTIK_RADIUS__EAP_RESUMPTION: '1h', AUTHENTIK_RADIUS__VERDICT_CACHE: '1h' });
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  const accepts = () =>
    site.radius.lines.filter(({ code, event }) => event === 'Radius Response' && code === 'Access-Accept');
  const asked = () => site.core.lines.filter((line) => JSON.stringify(line).includes('/check_access/')).length;

  for (const [what, change] of [
    ['disabled', (user: number) => site.core.call('PATCH', `/core/users/${user}/`, { is_active: false })],
    ['shut out of the application', () => closeApplication()],
  ] as const)
    test(`a user who is ${what} is refused at the next login`, async () => {
      const username = `roamer-${what.split(' ')[0]}`;
      const { pk } = await site.core.call<{ pk: number }>('POST', '/core/users/', { username, name: username });
      await site.core.call('POST', `/core/users/${pk}/set_password/`, { password: testPassword });
      const [already, askedBefore] = [accepts().length, asked()];
      const running = eapolTest(site.radius.bound('radius').port, {
        eap: 'TTLS',
        identity: username,
        password: testPassword,
        caPem: site.authority.caPem,
        secret: testRadiusSecret,
        repeat: 50_000,
      });
      await until(() => accepts().length > already + 20, 60_000);
      expect(asked() - askedBefore).toBeLessThan(5); // a change of somebody else, such as the one above, forgets them too
      await change(pk);
      const { isSuccess, output } = await running;
      expect(isSuccess, output.slice(-2000)).toBe(false);
      expect(output).toContain('code=3 (Access-Reject)');
    });

  async function closeApplication(): Promise<void> {
    const { pk } = await site.core.call<{ pk: string }>('GET', '/core/applications/network/');
    const { results } = await site.core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=ada');
    await site.core.call('POST', '/policies/bindings/', { target: pk, user: results[0]?.pk, order: 0 });
  }
});
