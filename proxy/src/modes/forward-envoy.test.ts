import { describe, expect, test } from 'vitest';
import { app, locationState } from '../testing/fixture.ts';
import { headerOf, statusOf, testGateway } from '../testing/test-gateway.ts';

describe('Envoy', () => {
  const rows = [{ mode: 'forward_single', skip_path_regex: '/skip.*' }] as const;
  const envoy = '/outpost.goauthentik.io/auth/envoy';
  test('proxy 61, 62, 63: the raw target behind the prefix is what counts', async () => {
    await using gateway = await testGateway({ rows });
    const target = async (path: string) => {
      const read = locationState(gateway, headerOf(await gateway.send(envoy + path), 'location') ?? '');
      return read.kind === 'valid' ? read.state.redirect : read.kind;
    };
    expect(await target('/app?x=1')).toBe(`${app}/app?x=1`);
    expect(await target('/a%2Fb')).toBe(`${app}/a%2Fb`);
    expect(statusOf(await gateway.send(`${envoy}/skip`))).toBe(200);
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/auth/envoyfoo'))).toBe(404);
    const browser = gateway.browser();
    await browser.login('/');
    expect(headerOf(await browser.send(`${envoy}/app`), 'x-authentik-username')).toBe('alice');
  });
});
