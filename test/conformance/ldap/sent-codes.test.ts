// Codes that the core sends by text message or e-mail (ldap.md §6.3), through the complete bind on the wire: the first bind makes
// the core send one where that is allowed, the second brings it, and no code is sent that nobody asked for.
import { describe, expect, test } from 'vitest';
import { startDaemon, until } from '../../harness/index.ts';
import { ownPassword, sendingBase, startSendingCore } from './sending-core.ts';
import { WireClient } from './wire-client.ts';

const whoAmI = { op: 'extendedRequest', name: '1.3.6.1.4.1.4203.1.11.3', value: undefined } as const;
const dn = `cn=ada,ou=users,${sendingBase}`;

async function start(kind: 'sms' | 'email', env: Readonly<Record<string, string>>) {
  const core = await startSendingCore(kind);
  const daemon = await startDaemon('ldap', {
    env: { AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: 'token', ...env },
  });
  await until(() => daemon.lines.some(({ event }) => event === 'Update providers'));
  const bind = async (secret: string) => {
    using client = await WireClient.plain(daemon.bound('ldap').port);
    const code = await client.bind(dn, secret);
    const [answer] = await client.request(whoAmI);
    const name = answer?.op.op === 'extendedResponse' ? Buffer.from(answer.op.responseValue ?? []).toString() : 'none';
    expect(name).toBe(code === 0 ? `dn:${dn}` : '');
    return code;
  };
  return {
    core,
    bind,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await core[Symbol.asyncDispose]();
    },
  };
}

describe.each(['sms', 'email'] as const)('a code by %s', (kind) => {
  test('is sent by a bind without one, and lets the next bind in, alone', async () => {
    await using site = await start(kind, { AUTHENTIK_LDAP__MFA_SEND_CODES: 'true' });
    expect(await site.bind(ownPassword)).toBe(49);
    expect(site.core.sent.length).toBe(1);
    const code = site.core.sent[0] ?? '';
    expect(await site.bind(`${ownPassword};${code === '123456' ? '654321' : '123456'}`)).toBe(49);
    expect(await site.bind(`${ownPassword};${code}`)).toBe(0);
    expect(site.core.sent.length).toBe(1);
    expect(site.core.answers.at(-1)).toEqual({ component: 'ak-stage-authenticator-validate', code });
  });

  test('is not sent to somebody whose password is wrong, nor where it is not allowed', async () => {
    await using site = await start(kind, { AUTHENTIK_LDAP__MFA_SEND_CODES: 'true' });
    expect(await site.bind('guessed')).toBe(49);
    expect(await site.bind('guessed;123456')).toBe(49);
    expect(site.core.answers).toEqual([]);
    await using other = await start(kind, {});
    expect(await other.bind(ownPassword)).toBe(49);
    expect(other.core.sent).toEqual([]);
  });
});
