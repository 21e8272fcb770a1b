// The operator's commands against a real core: what is right, and each thing that is wrong by itself.
import { createServer } from 'node:https';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commandFile, type Fault, freePort, runTool } from '../../harness/index.ts';
import { createAuthority } from './certificates.ts';
import { cached, ldapFixture } from './fixture.ts';

const fixture = ldapFixture();

async function ldap(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const settings = { AUTHENTIK_HOST: fixture.gate.url, AUTHENTIK_TOKEN: await fixture.core.outpostToken('ldap') };
  const { code, stdout, stderr } = await runTool(process.execPath, [commandFile, 'ldap', ...words], '', {
    ...settings,
    ...env,
  });
  return { code, lines: `${stdout}${stderr}`.trim().split('\n') };
}

describe('gatehouse ldap doctor', () => {
  test('a sound installation has no failure', async () => {
    const { code, lines } = await ldap(['doctor']);
    expect(lines.filter((line) => line.startsWith('fail'))).toEqual([]);
    expect(code).toBe(0);
    for (const word of ['clock:', 'token:', 'permission:', 'provider "Directory"', 'asks for a name', 'self-signed'])
      expect(lines.join('\n')).toContain(word);
  });

  test('a core that is not there, a name that is none, a wrong token, a token of another outpost', async () => {
    const found = async (env: Readonly<Record<string, string>>) => {
      const { code, lines } = await ldap(['doctor'], env);
      expect(code).toBe(1);
      return lines.filter((line) => line.startsWith('fail')).join('\n');
    };
    expect(await found({ AUTHENTIK_HOST: 'http://127.0.0.1:9/' })).toContain('AUTHENTIK_HOST');
    expect(await found({ AUTHENTIK_HOST: 'http://nowhere.invalid/' })).toContain('DNS: nowhere.invalid has no address');
    expect(await found({ AUTHENTIK_TOKEN: 'wrong' })).toContain('AUTHENTIK_TOKEN');
    expect(await found({ AUTHENTIK_TOKEN: await fixture.core.outpostToken('radius') })).toContain('of type radius');
    expect(await found({ AUTHENTIK_LDAP__MFA_REQUIRED: 'nothing' })).toContain('the application nothing');
    expect(await found({ AUTHENTIK_LDAP__PASSWORD_MODIFY: 'no-such-flow' })).toMatch(/no-such-flow|not found/i);
  });

  test('a clock that is wrong, and a token that may not list anybody', async () => {
    const found = async (matching: RegExp, fault: Fault) => {
      const heal = fixture.gate.spoil(matching, fault);
      onTestFinished(heal);
      const { code, lines } = await ldap(['doctor']);
      heal();
      expect(code).toBe(1);
      return lines.filter((line) => line.startsWith('fail')).join('\n');
    };
    const headers = { date: new Date(Date.now() - 3_600_000).toUTCString() };
    expect(await found(/root\/config/, { kind: 'status', status: 200, body: '{}', headers })).toMatch(
      /clock: the core is -36\d\d s ahead/,
    );
    for (const rows of [/core\/users/, /core\/groups/])
      expect(await found(rows, { kind: 'status', status: 403 })).toContain(
        'permission: users and groups cannot be listed',
      );
  });

  test('the certificate of the core: trusted or not, about to end', async () => {
    await using authority = await createAuthority();
    const pair = await authority.issue('localhost', 'subjectAltName=DNS:localhost');
    const port = await freePort();
    const server = createServer(pair, (_, response) => response.writeHead(503).end());
    await new Promise<void>((listening) => server.listen(port, 'localhost', listening));
    onTestFinished(() => void server.close());
    const tls = async (env: Readonly<Record<string, string>>) => {
      const { lines } = await ldap(['doctor'], { AUTHENTIK_HOST: `https://localhost:${port}/`, ...env });
      return lines.filter((line) => line.includes('TLS:')).join('\n');
    };
    expect(await tls({})).toContain('fail TLS: the certificate of the core is not trusted');
    expect(await tls({ AUTHENTIK_INSECURE: 'true' })).toContain('AUTHENTIK_INSECURE is on');
    const trusted = await tls({ NODE_EXTRA_CA_CERTS: authority.file });
    expect(trusted).toContain('TLS: the certificate of the core is trusted');
    expect(trusted).toContain('TLS: the certificate of the core expires on');
  });

  test('two providers with one base, and a base that is none', async () => {
    const { core } = fixture;
    const { results } = await core.call<{ results: { pk: number; base_dn: string }[] }>(
      'GET',
      '/providers/ldap/?name=Direct',
    );
    const direct = results[0];
    const failures = async (base_dn: string) => {
      await core.call('PATCH', `/providers/ldap/${direct?.pk}/`, { base_dn });
      return (await ldap(['doctor'])).lines.filter((line) => line.startsWith('fail')).join('\n');
    };
    expect(await failures(cached.toUpperCase())).toContain('has the base of');
    expect(await failures('no base')).toContain('"no base" is no base DN');
    await failures(direct?.base_dn ?? '');
  });
});

describe('gatehouse ldap explain', () => {
  test('names the index, the candidates, the matches, and what direct mode would ask', async () => {
    const { code, lines } = await ldap([
      'explain',
      '(&(objectClass=user)(|(cn=jdoe)(cn=nobody)))',
      `base=ou=users,${cached}`,
    ]);
    const text = lines.join('\n');
    expect(code).toBe(0);
    // The base and its containers are always among the candidates.
    expect(text).toMatch(/\(cn=jdoe\) +5 by index/);
    expect(text).toMatch(/candidates +9$/m);
    expect(text).toMatch(/matches +1$/m);
    expect(text).toContain('username=jdoe');
    expect((await ldap(['explain', '(displayName=*oe)'])).lines.join('\n')).toContain('no index helps: all');
  });

  test('prefixes and texts within a value have an index, made when first asked for', async () => {
    const text = (await ldap(['explain', '(|(cn=jd*)(displayName=*ohn*)(mail=j*example*))'])).lines.join('\n');
    expect(text).toMatch(/\(cn=jd\*\) +\d+ by index/);
    expect(text).toMatch(/\(displayName=\*ohn\*\) +\d+ by index/);
    expect(text).toMatch(/\(mail=j\*example\*\) +\d+ by index/);
    expect(text).not.toContain('no index');
  });

  test('what is no filter is told so', async () => {
    const { code, lines } = await ldap(['explain', '(cn=jdoe']);
    expect([code, lines.join('\n')]).toEqual([1, expect.stringContaining('ERR_LDAP_USAGE')]);
  });
});
