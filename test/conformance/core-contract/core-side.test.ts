// What the core says to outposts and about them (core-contract §10, core side): our core, and a websocket client that is no
// outpost of ours.

import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { fakeClock } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../../harness/index.ts';

interface Outpost {
  readonly pk: string;
  readonly type: string;
  readonly providers: readonly number[];
  readonly token_identifier: string;
  readonly managed: string | null;
}

const clock = fakeClock(Date.now());
let core: TestCore;
let outposts: readonly Outpost[];
const open: WebSocket[] = [];

beforeAll(async () => {
  core = await startTestCore({ clock });
  outposts = (await core.call<{ results: Outpost[] }>('GET', '/outposts/instances/')).results;
}, 60_000);
afterAll(async () => {
  for (const socket of open) socket.terminate();
  await core[Symbol.asyncDispose]();
});

const outpostOf = (type: string): Outpost => {
  const found = outposts.find((outpost) => outpost.type === type && outpost.managed === null);
  if (found === undefined) throw new Error(`no ${type} outpost`);
  return found;
};

interface Channel {
  readonly socket: WebSocket;
  readonly heard: { readonly instruction: number; readonly args: unknown }[];
  say(instruction: number, args?: unknown): void;
}

/** An open channel, or the status that refused it. */
function openChannel(outpost: Outpost, token: string | undefined, instance = 'instance-1'): Promise<Channel | number> {
  const url = `${core.url.replace('http', 'ws')}ws/outpost/${outpost.pk}/?attempt=0&instance_uuid=${instance}`;
  const socket = new WebSocket(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  open.push(socket);
  const heard: Channel['heard'] = [];
  socket.on('message', (data) => heard.push(JSON.parse(String(data))));
  const say = (instruction: number, args: unknown = {}) => socket.send(JSON.stringify({ instruction, args }));
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve({ socket, heard, say }));
    socket.on('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
    socket.on('error', reject);
  });
}

async function opened(outpost: Outpost, instance?: string): Promise<Channel> {
  const token = await core.outpostToken(outpost.type as 'ldap');
  const channel = await openChannel(outpost, token, instance);
  if (typeof channel === 'number') throw new Error(`refused with ${channel}`);
  return channel;
}

const hello = { version: '2026.5.0', buildHash: '', uuid: 'instance-1', hostname: 'edge' };

test('core-contract 15: each HELLO is acknowledged, an acknowledgement is not', async () => {
  const channel = await opened(outpostOf('ldap'));
  channel.say(1, hello);
  await until(() => channel.heard.length === 1);
  channel.say(0);
  channel.say(1, hello);
  await until(() => channel.heard.length === 2);
  expect(channel.heard).toEqual([
    { instruction: 0, args: {} },
    { instruction: 0, args: {} },
  ]);
  channel.socket.close();
});

test('core-contract 16, 17: no token, a wrong one, and that of another outpost are refused with 403', async () => {
  const ldap = outpostOf('ldap');
  expect(await openChannel(ldap, undefined)).toBe(403);
  expect(await openChannel(ldap, 'wrong')).toBe(403);
  expect(await openChannel(ldap, await core.outpostToken('radius'))).toBe(403);
});

test('core-contract 36, 37, core 67: an instance is listed, its old version marked, and forgotten after 15 s of silence', async () => {
  const radius = outpostOf('radius');
  const channel = await opened(radius, 'instance-2');
  channel.say(1, { ...hello, uuid: 'instance-2', version: '2020.1.0' });
  const health = () =>
    core.call<{ uid: string; version_outdated: boolean }[]>('GET', `/outposts/instances/${radius.pk}/health/`);
  await until(async () => (await health()).length === 1);
  expect(await health()).toEqual([
    expect.objectContaining({ uid: 'instance-2', version: '2020.1.0', version_outdated: true, hostname: 'edge' }),
  ]);
  channel.socket.close();
  await clock.advance(14_000);
  expect(await health()).toHaveLength(1);
  await clock.advance(2_000);
  expect(await health()).toEqual([]);
});

test('core-contract 38, 40: an empty list for a service account, 403 for a user, at most 100 rows a page', async () => {
  const [radius] = (await core.call<Page<{ authorization_flow: string }>>('GET', '/providers/radius/')).results;
  const provider = await core.call<{ pk: number }>('POST', '/providers/radius/', {
    name: 'without an application',
    authorization_flow: radius?.authorization_flow,
    invalidation_flow: radius?.authorization_flow,
  });
  const { key } = await newOutpost('lonely', 'radius', provider.pk);
  const service = await ask<Page<unknown>>('/outposts/radius/', key);
  expect([service.status, service.body.results]).toEqual([200, []]);
  expect((await ask('/outposts/radius/', (await userToken('ada')).key)).status).toBe(403);
  for (let at = 0; at < 101; at++) await core.call('POST', '/core/groups/', { name: `crowd ${at}` });
  const { body } = await ask<Page<unknown>>('/core/groups/?page_size=500', core.adminToken);
  expect([body.results.length, body.pagination.next]).toEqual([100, 2]);
});

test('core-contract 39, core 68: the remote address counts only from an outpost', async () => {
  let made = 0;
  const addressOf = async (headers: Readonly<Record<string, string>>) => {
    made += 1;
    await clock.advance(1); // events are listed by their time
    await fetch(`${core.url}api/v3/core/groups/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${core.adminToken}`, ...headers },
      body: JSON.stringify({ name: `made ${made}` }),
    });
    const { results } = await core.call<Page<{ client_ip: string; context: { model?: { name: string } } }>>(
      'GET',
      '/events/events/?action=model_created&ordering=-created',
    );
    return results.find(({ context }) => context.model?.name === `made ${made}`)?.client_ip;
  };
  const outpostToken = await core.outpostToken('ldap');
  const remote = { 'x-authentik-remote-ip': '203.0.113.9' };
  expect(await addressOf({ ...remote, 'x-authentik-outpost-token': outpostToken })).toBe('203.0.113.9');
  expect(await addressOf({ ...remote, 'x-authentik-outpost-token': core.adminToken })).toBe('127.0.0.1');
  expect(await addressOf({ ...remote, 'x-authentik-outpost-token': 'wrong' })).toBe('127.0.0.1');
  expect(await addressOf(remote)).toBe('127.0.0.1');
});

test('core-contract 41: a saved provider triggers the instances of its outposts and no others', async () => {
  const [ldap, proxy] = [outpostOf('ldap'), outpostOf('proxy')];
  const channels = { ldap: await opened(ldap), second: await opened(ldap, 'instance-3'), proxy: await opened(proxy) };
  const triggered = (channel: Channel) => channel.heard.filter(({ instruction }) => instruction === 2).length;
  await core.call('PATCH', `/providers/ldap/${ldap.providers[0]}/`, { uid_start_number: 3000 });
  await until(() => triggered(channels.ldap) === 1 && triggered(channels.second) === 1);
  await core.call('PATCH', `/providers/proxy/${proxy.providers[0]}/`, { skip_path_regex: '^/x' });
  await until(() => triggered(channels.proxy) === 1);
  expect([triggered(channels.ldap), triggered(channels.second)]).toEqual([1, 1]);
  for (const { socket } of Object.values(channels)) socket.close();
});

test('core-contract 42: with its outpost goes the service account, and its token is worth nothing', async () => {
  const { pk, key } = await newOutpost('short-lived', 'ldap', outpostOf('ldap').providers[0] ?? 0);
  expect((await ask('/outposts/ldap/', key)).status).toBe(200);
  await core.call('DELETE', `/outposts/instances/${pk}/`);
  expect((await ask('/outposts/ldap/', key)).status).toBe(403);
  const { results } = await core.call<Page<{ username: string }>>('GET', '/core/users/?page_size=100');
  expect(results.filter(({ username }) => username.includes(pk.replaceAll('-', '')))).toEqual([]);
});

interface Page<Row> {
  readonly results: readonly Row[];
  readonly pagination: { readonly next: number };
}

async function ask<Body>(path: string, token: string): Promise<{ readonly status: number; readonly body: Body }> {
  const answer = await fetch(`${core.url}api/v3${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

async function newOutpost(name: string, type: string, provider: number): Promise<{ pk: string; key: string }> {
  const made = await core.call<Outpost>('POST', '/outposts/instances/', {
    name,
    type,
    providers: [provider],
    config: {},
  });
  const { key } = await core.call<{ key: string }>('GET', `/core/tokens/${made.token_identifier}/view_key/`);
  return { pk: made.pk, key };
}

async function userToken(username: string): Promise<{ readonly key: string }> {
  const { results } = await core.call<Page<{ pk: number }>>('GET', `/core/users/?username=${username}`);
  await core.call('POST', '/core/tokens/', { identifier: `of-${username}`, intent: 'api', user: results[0]?.pk });
  return core.call('GET', `/core/tokens/of-${username}/view_key/`);
}
