// Password modify (RFC 3062; ldap.md §19.9): the core's own flow changes the password, or nobody does.
import { encodePasswordModify, extendedOid } from '@gatehouse/wire/ldap';
import { describe, expect, test } from 'vitest';
import { runTool, skipWithout } from '../../harness/index.ts';
import { dnOf, ldapFixture, password, startOutpost } from './fixture.ts';
import { searchRequest, valuesIn, WireClient } from './wire-client.ts';

const fixture = ldapFixture();
const rootDse = searchRequest('', '(objectClass=*)', { scope: 'baseObject', attributes: ['*', '+'] });

describe('password modify', () => {
  const change = (userIdentity: string | undefined, oldPassword?: string, newPassword?: string) => {
    const octets = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text));
    const value = encodePasswordModify({
      userIdentity,
      oldPassword: octets(oldPassword),
      newPassword: octets(newPassword),
    });
    return { op: 'extendedRequest', name: extendedOid.passwordModify, value } as const;
  };
  const fresh = 'a new password nobody guesses 73';

  test('is refused clearly where no flow is named, and in clear text', async () => {
    using clear = await WireClient.plain(fixture.port);
    expect(await clear.code(change(undefined, password, fresh))).toBe(13);
    using client = await WireClient.secure(fixture.securePort);
    expect(await client.bind(dnOf('jdoe'), password)).toBe(0);
    expect(await client.code(change(undefined, password, fresh))).toBe(53);
    expect(valuesIn(await client.request(rootDse), 'supportedExtension')).not.toContain(extendedOid.passwordModify);
  });

  test("runs the core's own change: its rules count, the old password ends, the new one works", async () => {
    await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__PASSWORD_MODIFY: 'default-password-change' });
    using client = await WireClient.secure(outpost.bound('ldaps').port);
    expect(await client.code(change(undefined, password, fresh))).toBe(50);
    expect(await client.bind(dnOf('radia'), password)).toBe(0);
    expect(valuesIn(await client.request(rootDse), 'supportedExtension')).toContain(extendedOid.passwordModify);
    expect(await client.code(change(dnOf('jane'), password, fresh))).toBe(50);
    expect(await client.code(change(undefined, undefined, fresh))).toBe(53);
    expect(await client.code(change(undefined, 'wrong', fresh))).toBe(49);
    expect(await client.code(change(dnOf('radia'), password, 'short'))).toBe(19);
    expect(await client.code(change(`dn:${dnOf('radia')}`, password, fresh))).toBe(0);
    using again = await WireClient.secure(outpost.bound('ldaps').port);
    expect(await again.bind(dnOf('radia'), password)).toBe(49);
    expect(await again.bind(dnOf('radia'), fresh)).toBe(0);
  });

  test.skipIf(skipWithout('ldappasswd'))('makes a password up for who names none, as ldappasswd asks', async () => {
    await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__PASSWORD_MODIFY: 'default-password-change' });
    const url = `ldaps://127.0.0.1:${outpost.bound('ldaps').port}`;
    const words = ['-x', '-H', url, '-D', dnOf('hedy'), '-w', password, '-a', password];
    const { code, stdout, stderr } = await runTool('ldappasswd', words, '', { LDAPTLS_REQCERT: 'never' });
    expect([code, stderr]).toEqual([0, '']);
    const made = /^New password: (\S+)$/m.exec(stdout)?.[1] ?? '';
    expect(made).toMatch(/^(?:\w{5}-){4}\w{5}$/);
    using client = await WireClient.secure(outpost.bound('ldaps').port);
    expect(await client.bind(dnOf('hedy'), password)).toBe(49);
    expect(await client.bind(dnOf('hedy'), made)).toBe(0);
  });

  test('a flow that changes nothing is no success', async () => {
    await using outpost = await startOutpost(fixture, {
      AUTHENTIK_LDAP__PASSWORD_MODIFY: 'default-authentication-flow',
    });
    using client = await WireClient.secure(outpost.bound('ldaps').port);
    expect(await client.bind(dnOf('tim'), password)).toBe(0);
    expect(await client.code(change(undefined, password, fresh))).toBe(53);
    expect(
      await client.code({ op: 'extendedRequest', name: extendedOid.passwordModify, value: Buffer.from('x') }),
    ).toBe(2);
  });
});
