// What is changed in the core reaches the outpost by itself, within a second (core.md §23.2, ldap.md §19.4): nobody asks for
// a refresh here, and the refresh interval is five minutes. The outpost hangs on a second core process on the same database.
import { once } from 'node:events';
import { instruction } from '@gatehouse/contract/control-channel';
import type { TestCore } from '@gatehouse/core/testing';
import { Client } from 'ldapts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningDaemon, startDaemon, until } from '../../harness/index.ts';
import { cached, dnOf, ldapFixture, password } from './fixture.ts';

const fixture = ldapFixture();
let core: TestCore;
let twin: Awaited<ReturnType<TestCore['twin']>>;
/** Connected to the twin; changes are made at the first core. */
let far: RunningDaemon;

beforeAll(async () => {
  core = fixture.core;
  twin = await core.twin();
  far = await startDaemon('ldap', {
    env: { AUTHENTIK_HOST: twin.url, AUTHENTIK_TOKEN: await core.outpostToken('ldap') },
  });
  await until(() => far.lines.some(({ event }) => event === 'Update providers'));
}, 60_000);

afterAll(async () => {
  await far?.[Symbol.asyncDispose]();
  await twin?.[Symbol.asyncDispose]();
});

describe.each(['the same core process', 'another core process'])('changes reach an outpost of %s', (where) => {
  const connect = async (username: string): Promise<Client> => {
    const daemon = where === 'the same core process' ? fixture.daemon : far;
    const client = new Client({ url: `ldap://127.0.0.1:${daemon.bound('ldap').port}` });
    await client.bind(dnOf(username), password);
    return client;
  };
  const read = async (client: Client, dn: string) =>
    (await client.search(dn, { scope: 'base' }).catch(() => ({ searchEntries: [] }))).searchEntries[0];

  test('core 23.2: a user, its membership, its group, and their end', async () => {
    const svc = await connect('svc');
    const name = `late-${where.length}`;
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', { username: name, name: 'First' });
    await until(async () => (await read(svc, dnOf(name)))?.['displayName'] === 'First');
    await core.call('PATCH', `/core/users/${pk}/`, { name: 'Second' });
    await until(async () => (await read(svc, dnOf(name)))?.['displayName'] === 'Second');
    const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: `g-${name}`, users: [pk] });
    const groupDn = `cn=g-${name},ou=groups,${cached}`;
    await until(async () => (await read(svc, dnOf(name)))?.['memberOf'] === groupDn);
    await core.call('POST', `/core/groups/${group.pk}/remove_user/`, { pk });
    await until(async () => String((await read(svc, groupDn))?.['member'] ?? 'gone') === '');
    await core.call('DELETE', `/core/groups/${group.pk}/`);
    await core.call('DELETE', `/core/users/${pk}/`);
    await until(async () => (await read(svc, groupDn)) === undefined && (await read(svc, dnOf(name))) === undefined);
    await svc.unbind();
  });

  test('core 23.2, ldap 27: a new password ends what the old one was remembered for', async () => {
    const name = `changer-${where.length}`;
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', { username: name, name });
    await core.call('POST', `/core/users/${pk}/set_password/`, { password });
    await until(() => connect(name).then(() => true));
    await core.call('POST', `/core/users/${pk}/set_password/`, { password: 'something else entirely' });
    await until(() =>
      connect(name).then(
        () => false,
        () => true,
      ),
    );
  });
});

test('core 23.2: a user who is switched off is cut off, and may not come back', async () => {
  const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', { username: 'leaver', name: '' });
  await core.call('POST', `/core/users/${pk}/set_password/`, { password });
  const stays = await fixture.bound('jane');
  const leaves = await fixture.bound('leaver');
  await core.call('PATCH', `/core/users/${pk}/`, { is_active: false });
  await until(() => !leaves.isConnected);
  expect(stays.isConnected).toBe(true);
  await expect(fixture.bound('leaver')).rejects.toMatchObject({ code: 49 });
});

test('core 23.2: an outpost that does not ask for changes is told of none', async () => {
  const token = await core.outpostToken('ldap');
  const { results } = await core.call<{ results: { pk: string; type: string }[] }>('GET', '/outposts/instances/');
  const pk = results.find(({ type }) => type === 'ldap')?.pk;
  const told: Record<'stock' | 'own', number[]> = { stock: [], own: [] };
  const open = (kind: 'stock' | 'own', args: object) =>
    new Promise<WebSocket>((resolve, reject) => {
      const url = `${core.url.replace('http', 'ws')}ws/outpost/${pk}/?instance_uuid=${kind}`;
      const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
      socket.on('message', (text) => {
        const message: { instruction: number } = JSON.parse(String(text));
        told[kind].push(message.instruction);
        if (message.instruction === instruction.ack) resolve(socket);
      });
      socket.on('error', reject);
      socket.on('open', () => socket.send(JSON.stringify({ instruction: instruction.hello, args })));
    });
  const sockets = [await open('stock', { version: '2026.5.0' }), await open('own', { ak_delta: 1 })];
  await core.call('POST', '/core/users/', { username: 'seen-by-own', name: '' });
  await until(() => told.own.includes(instruction.providerSpecific));
  expect(told.stock).toEqual([instruction.ack]);
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.close();
  await Promise.all(closed);
});
