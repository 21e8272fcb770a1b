// Requests of other realms on their way: repetitions, servers that die and come back, forged answers, loops. Trouble is silence.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import {
  type Attribute,
  createPacketKey,
  decodePacket,
  firstValue,
  hidePassword,
  messageAuthenticator,
  packetCode,
  type ReceivedPacket,
  revealPassword,
  signReply,
  signRequest,
} from '@gatehouse/wire/radius';
import { expect, onTestFinished, test, vi } from 'vitest';
import { radiusCommands } from '../commands/run.ts';
import { openRawClient, startTestRadius } from '../testing/start.ts';

const homeKey = createPacketKey('home');
const deviceKey = createPacketKey('testing123');
const isFast = 'response_window: 0.1, check_interval: 0.1, dead_time: 0.2';

type Behaviour = (
  request: ReceivedPacket,
) => Partial<{ code: number; attributes: Attribute[]; bytes: Buffer }> | undefined;

/** A home server of the test's making; by default it accepts everything. */
async function startHome(given: { behave?: Behaviour; port?: number } = {}) {
  const socket: Socket = createSocket('udp4');
  const requests: ReceivedPacket[] = [];
  const home = {
    behave: given.behave ?? ((): ReturnType<Behaviour> => ({})),
    requests,
    port: 0,
    close: () => socket.close(),
    send: (_bytes: Buffer) => {},
  };
  socket.on('message', (bytes, from) => {
    const request = decodePacket(bytes);
    requests.push(request);
    home.send = (more) => socket.send(more, from.port, from.address);
    const answer = home.behave(request);
    if (answer === undefined) return;
    const { code = packetCode.accessAccept, attributes = [] } = answer;
    const reply = signReply({ code, attributes: [messageAuthenticator, ...attributes] }, request, homeKey);
    socket.send(answer.bytes ?? reply, from.port, from.address);
  });
  socket.bind(given.port ?? 0, '127.0.0.1');
  await once(socket, 'listening');
  home.port = socket.address().port;
  onTestFinished(() => {
    try {
      socket.close();
    } catch {
      // closed by the test
    }
  });
  return home;
}

async function startForwarding(policy: string, env: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.yaml');
  await writeFile(path, policy);
  const radius = await startTestRadius({ env: { AUTHENTIK_RADIUS__POLICY_FILE: path, ...env } });
  onTestFinished(() => radius[Symbol.asyncDispose]());
  const client = await openRawClient(radius.port);
  onTestFinished(() => client[Symbol.dispose]());
  return { radius, client, path };
}

let identifier = 0;
function request(username: string, more: readonly Attribute[] = []) {
  identifier = (identifier + 1) % 256;
  const authenticator = Buffer.alloc(16, identifier);
  const attributes = [
    messageAuthenticator,
    { type: 1, value: Buffer.from(username) },
    { type: 2, value: hidePassword(Buffer.from('pw'), authenticator, deviceKey) },
    ...more,
  ];
  return signRequest({ code: 1, identifier, authenticator, attributes }, deviceKey);
}
const isStatus = ({ code }: ReceivedPacket) => code === packetCode.statusServer;
const logins = (home: { requests: readonly ReceivedPacket[] }) => home.requests.filter((one) => !isStatus(one));
const policyOf = (...homes: readonly { port: number }[]) => `
home_servers:
${homes.map(({ port }, at) => `  h${at}: { address: 127.0.0.1, port: ${port}, secret: home, ${isFast} }`).join('\n')}
realms:
  - { realm: far.test, home_servers: [${homes.map((_, at) => `h${at}`).join()}], timeout: 10 }
`;

test('a login is decided there, and what the home server says is counted', async () => {
  const home = await startHome({
    behave: ({ attributes }) => ({ attributes: attributes.filter(({ type }) => type === 33) }),
  });
  const { radius, client } = await startForwarding(policyOf(home));
  const reply = decodePacket(await client.ask(request('ada@far.test', [{ type: 33, value: Buffer.from('device') }])));
  expect(reply.code).toBe(packetCode.accessAccept);
  expect(reply.attributes.filter(({ type }) => type === 33).map(({ value }) => value.toString())).toEqual(['device']);
  const [sent] = home.requests;
  expect(sent && revealPassword(firstValue(sent, 2) ?? Buffer.alloc(16), sent.authenticator, homeKey).toString()).toBe(
    'pw',
  );
  home.behave = () => ({ code: packetCode.accessReject });
  expect((await client.ask(request('ada@far.test')))[0]).toBe(packetCode.accessReject);
  const metrics = await radius.metrics();
  expect(metrics).toContain('forwarded_total{home_server="h0",result="accept"} 1');
  expect(metrics).toContain('forwarded_total{home_server="h0",result="reject"} 1');
  expect(metrics).toContain('home_server_alive{home_server="h0"} 1');
  expect(metrics).toContain('reason="home_server_rejected"');
  expect(radius.core.flows()).toBe(0);
});

test('a repetition of the device is passed on, the same octets, and answered once', async () => {
  const home = await startHome({ behave: () => undefined });
  const { client } = await startForwarding(policyOf(home).replace('response_window: 0.1', 'response_window: 30'));
  const packet = request('ada@far.test');
  client.send(packet);
  await vi.waitFor(() => expect(home.requests).toHaveLength(1));
  client.send(packet);
  await vi.waitFor(() => expect(home.requests).toHaveLength(2));
  expect(home.requests[1]?.bytes).toEqual(home.requests[0]?.bytes);
  home.behave = () => ({});
  expect((await client.ask(packet))[0]).toBe(packetCode.accessAccept);
  expect(home.requests).toHaveLength(3);
  expect(client.replies).toHaveLength(1);
  expect((await client.ask(packet))[0]).toBe(packetCode.accessAccept); // from memory
  expect(home.requests).toHaveLength(3);
});

test('a server that dies while it works on a login: the next one gets it; when it answers again it is asked again', async () => {
  const first = await startHome({ behave: () => undefined });
  const second = await startHome();
  const { radius, client } = await startForwarding(policyOf(first, second));
  expect((await client.ask(request('ada@far.test')))[0]).toBe(packetCode.accessAccept); // nobody has repeated anything
  expect([logins(first).length, logins(second).length]).toEqual([1, 1]);
  expect(first.requests.some(isStatus)).toBe(true);
  expect((await client.ask(request('ada@far.test')))[0]).toBe(packetCode.accessAccept);
  expect(logins(first)).toHaveLength(1);
  expect(await radius.metrics()).toContain('home_server_alive{home_server="h0"} 0');
  first.behave = () => ({});
  await vi.waitFor(
    () => expect(radius.log.lines.some(({ event }) => event === 'home server alive again')).toBe(true),
    10_000,
  );
  await client.ask(request('ada@far.test'));
  expect(logins(first)).toHaveLength(2);
}, 30_000);

test('a slow login at a server that is there stays there', async () => {
  const slow = await startHome({ behave: (one) => (isStatus(one) ? {} : undefined) });
  const other = await startHome();
  const { radius, client } = await startForwarding(policyOf(slow, other));
  const packet = request('ada@far.test');
  client.send(packet);
  await vi.waitFor(() => expect(slow.requests.some(isStatus)).toBe(true));
  slow.behave = () => ({});
  expect((await client.ask(packet))[0]).toBe(packetCode.accessAccept);
  expect(logins(other)).toHaveLength(0);
  expect(radius.log.lines.some(({ event }) => event === 'home server dead')).toBe(false);
});

test('nobody there: silence with its reason, never a Reject', async () => {
  const gone = await startHome();
  gone.close();
  const { radius, client } = await startForwarding(policyOf(gone));
  client.send(request('ada@far.test'));
  await vi.waitFor(
    () => expect(radius.drops.latest().map(({ reason }) => reason)).toContain('home_servers_down'),
    10_000,
  );
  client.send(request('ada@far.test'));
  await vi.waitFor(() => expect(radius.drops.latest()).toHaveLength(2));
  expect(client.replies).toHaveLength(0);
  expect((await client.ask(request('alice')))[0]).toBe(packetCode.accessReject); // ours go on
}, 20_000);

test('a server without Status-Server is left alone for its time, then tried again', async () => {
  const home = await startHome({ behave: () => undefined });
  const policy = policyOf(home).replace('secret: home,', 'secret: home, status_check: false,');
  const { radius, client } = await startForwarding(policy);
  client.send(request('ada@far.test'));
  await vi.waitFor(() => expect(radius.drops.latest().map(({ reason }) => reason)).toContain('home_servers_down'));
  home.behave = () => ({});
  await vi.waitFor(() => expect(radius.log.lines.some(({ event }) => event === 'home server alive again')).toBe(true));
  expect((await client.ask(request('ada@far.test')))[0]).toBe(packetCode.accessAccept);
  expect(home.requests.some(isStatus)).toBe(false);
});

test.each([
  [
    'bad_authenticator',
    (one: ReceivedPacket) => ({ bytes: signReply({ code: 2, attributes: [messageAuthenticator] }, one, deviceKey) }),
  ],
  [
    'missing_message_authenticator',
    (one: ReceivedPacket) => ({ bytes: signReply({ code: 2, attributes: [] }, one, homeKey) }),
  ],
  [
    'unmatched',
    (one: ReceivedPacket) => ({
      bytes: signReply(
        { code: 2, attributes: [messageAuthenticator] },
        { ...one, identifier: one.identifier ^ 128 },
        homeKey,
      ),
    }),
  ],
])('%s: such an answer is none, and is counted', async (reason, forge) => {
  const home = await startHome({ behave: (one) => (isStatus(one) ? {} : forge(one)) });
  const { radius, client } = await startForwarding(policyOf(home).replace('timeout: 10', 'timeout: 0.3'));
  client.send(request('ada@far.test'));
  await vi.waitFor(() => expect(radius.drops.latest().map((one) => one.reason)).toContain('home_server_silent'));
  expect(client.replies).toHaveLength(0);
  expect(await radius.metrics()).toContain(`forwarded_total{home_server="h0",result="${reason}"} 1`);
});

test('an answer with any octet changed is none; the right one behind them all still counts', async () => {
  const home = await startHome({ behave: () => undefined });
  const { client } = await startForwarding(policyOf(home));
  const damaged = (one: ReceivedPacket) => {
    const bytes = signReply(
      { code: 2, attributes: [messageAuthenticator, { type: 18, value: Buffer.from('hi') }] },
      one,
      homeKey,
    );
    const all = Array.from(bytes, (octet, at) => Object.assign(Buffer.from(bytes), { [at]: octet ^ 0x10 }));
    return { all, bytes };
  };
  home.behave = (one) => {
    if (isStatus(one)) return {};
    const { all, bytes } = damaged(one);
    for (const wrong of all) home.send(wrong);
    return { bytes };
  };
  expect(decodePacket(await client.ask(request('ada@far.test'))).attributes).toContainEqual({
    type: 18,
    value: Buffer.from('hi'),
  });
  expect(client.replies).toHaveLength(1);
});

test('an old server may answer without Message-Authenticator where the file says so', async () => {
  const home = await startHome({ behave: (one) => ({ bytes: signReply({ code: 2, attributes: [] }, one, homeKey) }) });
  const policy = policyOf(home).replace('secret: home,', 'secret: home, require_message_authenticator: false,');
  const { client } = await startForwarding(policy);
  expect((await client.ask(request('ada@far.test')))[0]).toBe(packetCode.accessAccept);
});

test('two servers that hand a realm to each other: the request ends where it has been before', async () => {
  const home = await startHome({ behave: () => undefined });
  const { radius, client } = await startForwarding(policyOf(home).replace('timeout: 10', 'timeout: 1'));
  client.send(request('ada@far.test'));
  await vi.waitFor(() => expect(home.requests).not.toHaveLength(0));
  const states = home.requests[0]?.attributes.filter(({ type }) => type === 33) ?? [];
  client.send(request('ada@far.test', states));
  await vi.waitFor(() => expect(radius.drops.latest().map(({ reason }) => reason)).toContain('proxy_loop'));
  expect(logins(home)).toHaveLength(1);
});

test('a conversation stays with the server that has begun it', async () => {
  const first = await startHome({ behave: () => undefined });
  const challenge = {
    code: packetCode.accessChallenge,
    attributes: [{ type: 24, value: Buffer.from('of the second') }],
  };
  const second = await startHome({ behave: (one) => (firstValue(one, 24) === undefined ? challenge : {}) });
  const { radius, client } = await startForwarding(policyOf(first, second));
  const asked = decodePacket(await client.ask(request('ada@far.test')));
  expect(asked.code).toBe(packetCode.accessChallenge);
  first.behave = () => ({ code: packetCode.accessReject });
  await vi.waitFor(
    () => expect(radius.log.lines.some(({ event }) => event === 'home server alive again')).toBe(true),
    10_000,
  );
  const state = { type: 24, value: firstValue(asked, 24) ?? Buffer.alloc(0) };
  expect((await client.ask(request('ada@far.test', [state])))[0]).toBe(packetCode.accessAccept);
}, 30_000);

test('more than 256 requests at a time have several sockets', async () => {
  const home = await startHome({ behave: () => undefined });
  const { radius, client } = await startForwarding(
    policyOf(home).replace('response_window: 0.1', 'response_window: 30').replace('timeout: 10', 'timeout: 3'),
    {
      AUTHENTIK_RADIUS__REQUESTS_PER_SOURCE: '1000',
    },
  );
  const other = await openRawClient(radius.port);
  const third = await openRawClient(radius.port);
  for (const one of [client, other, third]) for (let count = 0; count < 100; count++) one.send(request('ada@far.test'));
  await vi.waitFor(() => expect(home.requests).toHaveLength(300), 10_000);
  expect(new Set(home.requests.map(({ authenticator }) => authenticator.toString('hex'))).size).toBe(300);
  other[Symbol.dispose]();
  third[Symbol.dispose]();
});

test('explain and doctor know the home servers', async () => {
  const home = await startHome();
  const gone = await startHome();
  gone.close();
  const { radius, path } = await startForwarding(policyOf(home, gone));
  const env = { AUTHENTIK_HOST: radius.core.url, AUTHENTIK_TOKEN: 'token', AUTHENTIK_RADIUS__POLICY_FILE: path };
  const run = async (word: string, ...words: string[]) => {
    let text = '';
    const print = (part: string) => {
      text += part;
    };
    await radiusCommands[word]?.run(words, { env, print, complain: print });
    return text;
  };
  const explained = await run('explain', 'ada@far.test', '127.0.0.1');
  expect(explained).toContain(`realm      far.test: handed on to h0 (127.0.0.1:${home.port}), then h1`);
  const found = await run('doctor');
  expect(found).toContain(`ok    home server h0 (127.0.0.1:${home.port}) answers Status-Server`);
  expect(found).toMatch(/fail {2}home server h1 .* does not answer Status-Server/);
});

test('a home server that is not defined, and a realm that is none, are told with their place', async () => {
  const { radius, path, client } = await startForwarding('clients: []');
  await writeFile(path, 'realms: [{ realm: "a b", home_servers: [x] }]');
  await radius.refresh();
  await vi.waitFor(() =>
    expect(radius.log.lines.find(({ event }) => event === 'policy not usable')?.['error']).toContain('realms'),
  );
  await writeFile(path, 'realms: [{ realm: far.test, home_servers: [x], allow: [Nonsense] }]');
  await radius.refresh();
  const told = () => radius.log.lines.filter(({ event }) => event === 'policy not usable').at(-1)?.['error'];
  await vi.waitFor(() => expect(told()).toContain('realms[0].home_servers: "x" is not in home_servers'));
  expect(told()).toContain('realms[0].allow: "Nonsense" is in no dictionary');
  expect((await client.ask(request('ada@far.test')))[0]).toBe(packetCode.accessReject); // nothing of it is in force
});
