// What one client may take of the server (ldap.md §2.1): connections, time, memory for answers that nobody fetches, octets of a
// message; and how a connection ends that the server ends.
import { connect } from 'node:net';
import { extendedOid } from '@gatehouse/wire/ldap';
import { describe, expect, test } from 'vitest';
import { type RunningDaemon, until } from '../../harness/index.ts';
import { cached, dnOf, ldapFixture, password, startOutpost } from './fixture.ts';
import { codeOf, namesOf, searchRequest, WireClient } from './wire-client.ts';

const fixture = ldapFixture();
const rootDse = searchRequest('', '(objectClass=*)', { scope: 'baseObject', attributes: ['*', '+'] });
const startTls = { op: 'extendedRequest', name: extendedOid.startTls, value: undefined } as const;
const whoAmI = { op: 'extendedRequest', name: extendedOid.whoAmI, value: undefined } as const;

/** A sample of an outpost's metrics without labels. */
async function sampleOf(outpost: RunningDaemon, name: string): Promise<number> {
  const { host, port } = outpost.bound('metrics');
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

describe('limits', () => {
  test('connections of one address and in all, counted over both ports', async () => {
    await using outpost = await startOutpost(fixture, {
      AUTHENTIK_LDAP__MAX_CONNECTIONS_PER_CLIENT: '2',
      AUTHENTIK_LDAP__PROXY_PROTOCOL: 'off',
    });
    using one = await WireClient.plain(outpost.bound('ldap').port);
    using two = await WireClient.secure(outpost.bound('ldaps').port);
    expect([await one.code(rootDse), await two.code(rootDse)]).toEqual([0, 0]);
    using three = await WireClient.plain(outpost.bound('ldap').port);
    await three.closed;
    one.socket.destroy();
    await until(async () => {
      using again = await WireClient.plain(outpost.bound('ldap').port);
      return (await again.code(rootDse)) === 0;
    });
  });

  test('a connection that StartTLS has secured gives its place back when it ends, whoever ends it', async () => {
    await using outpost = await startOutpost(fixture, {
      AUTHENTIK_LDAP__MAX_CONNECTIONS_PER_CLIENT: '2',
      AUTHENTIK_LDAP__PROXY_PROTOCOL: 'off',
    });
    const visit = async (end: (client: WireClient) => void): Promise<boolean> => {
      using client = await WireClient.plain(outpost.bound('ldap').port);
      if ((await client.code(startTls)) !== 0) return false;
      await client.startTls();
      expect(await client.code(rootDse)).toBe(0);
      end(client);
      await client.closed;
      return true;
    };
    const ends: readonly ((client: WireClient) => void)[] = [
      (client) => void client.send({ op: 'unbindRequest' }),
      (client) => void client.socket.destroy(),
      (client) => void client.socket.end(),
    ];
    for (const end of [...ends, ...ends]) await until(() => visit(end));
  });

  test('under pressure the longest idle connection goes, with a notice, and the new one is served', async () => {
    await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__MAX_CONNECTIONS: '3' });
    const { port } = outpost.bound('ldap');
    using oldest = await WireClient.plain(port);
    await oldest.code(rootDse);
    using middle = await WireClient.plain(port);
    await middle.code(rootDse);
    using youngest = await WireClient.plain(port);
    await youngest.code(rootDse);
    using newcomer = await WireClient.plain(port);
    expect(await newcomer.code(rootDse)).toBe(0);
    await oldest.closed;
    const notice = oldest.answers.at(-1);
    expect([notice?.messageId, codeOf(notice === undefined ? [] : [notice])]).toEqual([0, 51]);
    expect([await middle.code(rootDse), await youngest.code(rootDse)]).toEqual([0, 0]);
  });

  test('idle connections end with a notice after their time', async () => {
    await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__IDLE_TIMEOUT_ANONYMOUS: '200ms' });
    using client = await WireClient.plain(outpost.bound('ldap').port);
    await client.code(rootDse);
    await client.closed;
    expect(client.answers.at(-1)).toMatchObject({
      messageId: 0,
      op: { op: 'extendedResponse', resultCode: 52, responseName: extendedOid.noticeOfDisconnection },
    });
  });

  test('a client that takes no answers is not read any further, holds nobody up, and gets them whole when it reads', async () => {
    await using outpost = await startOutpost(fixture, {});
    const { port } = outpost.bound('ldap');
    using slow = await WireClient.plain(port);
    await until(async () => (await slow.bind(dnOf('svc'), password)) === 0);
    const own = searchRequest(dnOf('jdoe'), '(objectClass=*)', { attributes: ['*', '+'] });
    await until(async () => (await slow.code(own)) === 0);
    slow.socket.pause();
    const before = slow.answers.length;
    // Some fifty megabytes of answers, of which the kernel takes a few and the outpost keeps one.
    const ids = Array.from({ length: 60_000 }, () => slow.send(own));
    using other = await WireClient.plain(port);
    const answered = async () => {
      for (let turn = 0; turn < 50; turn += 1) expect(await other.code(whoAmI)).toBe(0);
      return await sampleOf(outpost, 'authentik_outpost_ldap_entries_total');
    };
    let entries = await answered();
    await until(async () => {
      const now = await answered();
      const isSteady = now === entries;
      entries = now;
      return isSteady;
    }, 30_000);
    expect(entries).toBeLessThan(ids.length / 2);
    slow.socket.resume();
    await until(() => slow.answers.length - before === 2 * ids.length, 30_000);
    expect(slow.answers.slice(before).map(({ messageId }) => messageId)).toEqual(ids.flatMap((id) => [id, id]));
  }, 60_000);

  test('before a bind a message has 256 KiB at most, behind one it may be larger', async () => {
    const large = searchRequest(cached, '(cn=jdoe)', { attributes: ['cn', 'x'.repeat(300_000)] });
    using stranger = await WireClient.plain(fixture.port);
    expect(await stranger.code(large)).toBe(-1);
    expect(stranger.answers.at(-1)).toMatchObject({ messageId: 0, op: { resultCode: 2 } });
    using known = await WireClient.plain(fixture.port);
    expect(await known.bind(dnOf('svc'), password)).toBe(0);
    expect(namesOf(await known.request(large))).toEqual(['jdoe', 'jdoe']);
  });

  test('a flood of connections, silent or talking nonsense, leaves room for who has something to ask', async () => {
    await using outpost = await startOutpost(fixture, { AUTHENTIK_LDAP__MAX_CONNECTIONS: '50' });
    const { port } = outpost.bound('ldap');
    const flood = Array.from({ length: 500 }, (_, at) => {
      const socket = connect(port, '127.0.0.1', () => at % 2 === 0 && socket.write('GET / HTTP/1.1\r\n\r\n'));
      return socket.on('error', () => undefined);
    });
    await until(async () => {
      using client = await WireClient.plain(port);
      if ((await client.bind(dnOf('jdoe'), password)) !== 0) return false;
      return namesOf(await client.request(searchRequest(dnOf('jdoe'), '(objectClass=*)'))).includes('jdoe');
    });
    for (const socket of flood) socket.destroy();
  });

  test('the end of the server is announced', async () => {
    await using outpost = await startOutpost(fixture, {});
    using client = await WireClient.plain(outpost.bound('ldap').port);
    await client.code(rootDse);
    void outpost.stop();
    await client.closed;
    expect(client.answers.at(-1)).toMatchObject({ messageId: 0, op: { resultCode: 52 } });
  });
});
