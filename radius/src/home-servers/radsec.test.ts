// Home servers by RadSec (RFC 6614, RFC 6613): both ends prove themselves, and a connection that breaks loses nothing.
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { createTestAuthority, type Issued, type TestAuthority, temporaryFolder } from '@gatehouse/daemon/testing';
import {
  createDictionary,
  createPacketKey,
  decodePacket,
  hidePassword,
  messageAuthenticator,
  packetCode,
  type ReceivedPacket,
  signReply,
  signRequest,
} from '@gatehouse/wire/radius';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { radiusCommands } from '../commands/run.ts';
import { readPolicy } from '../policy/document.ts';
import { readPackets } from '../radsec/packet-stream.ts';
import { openRawClient, startTestRadius } from '../testing/start.ts';

const radsec = createPacketKey('radsec');
const deviceKey = createPacketKey('testing123');
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let authority: TestAuthority;
let server: Issued;
beforeAll(async () => {
  folder = await temporaryFolder();
  authority = await createTestAuthority();
  server = await authority.issue('home', { purpose: 'server', names: 'DNS:radius.home.test' });
  const { certPem, keyPem } = await authority.issue('gatehouse');
  await Promise.all([
    writeFile(path('ca.pem'), authority.caPem),
    writeFile(path('own.pem'), certPem),
    writeFile(path('own.key'), keyPem),
  ]);
});
afterAll(async () => {
  await authority[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
const path = (name: string) => join(folder.path, name);

/** On a busy machine, too. */
const soon = (check: () => unknown) => vi.waitFor(check, 10_000);

type Behaviour = (request: ReceivedPacket, connection: TLSSocket) => Buffer | undefined;
const accept = (request: ReceivedPacket) => {
  const code = request.code === packetCode.accountingRequest ? packetCode.accountingResponse : packetCode.accessAccept;
  return signReply({ code, attributes: [] }, request, radsec);
};
const isStatus = ({ code }: ReceivedPacket) => code === packetCode.statusServer;

/** A home server that takes TLS only from those whom our authority has signed. */
async function startHome(behave: Behaviour = accept, options: TlsOptions = {}) {
  const home = {
    behave,
    requests: [] as ReceivedPacket[],
    connections: [] as TLSSocket[],
    port: 0,
    dials: 0,
    logins: () => home.requests.filter((one) => !isStatus(one)),
  };
  const given = { cert: server.certPem, key: server.keyPem, ca: authority.caPem, requestCert: true, ...options };
  const listener = createServer(given, (connection) => {
    home.connections.push(connection);
    connection.on('error', () => undefined);
    readPackets(connection, (bytes) => {
      const request = decodePacket(bytes);
      home.requests.push(request);
      const reply = home.behave(request, connection);
      if (reply !== undefined) connection.write(reply);
    });
  });
  listener.on('tlsClientError', () => undefined);
  listener.on('connection', () => {
    home.dials += 1;
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  home.port = typeof address === 'object' && address !== null ? address.port : 0;
  onTestFinished(() => {
    for (const connection of home.connections) connection.destroy();
    listener.close();
  });
  return home;
}

interface Changes {
  readonly serverName?: string;
  readonly own?: string;
  readonly more?: string;
  readonly realm?: string;
}

async function startForwarding(home: { readonly port: number }, changes: Changes = {}) {
  const { serverName = 'radius.home.test', own = 'own', more = '', realm = '' } = changes;
  const files = `ca: ${path('ca.pem')}, certificate: ${path(`${own}.pem`)}, key: ${path(`${own}.key`)}`;
  const policy = path(`policy-${home.port}.yaml`);
  await writeFile(
    policy,
    `home_servers:
  h: { address: 127.0.0.1, port: ${home.port}, ${more} tls: { ${files}, server_name: ${serverName} } }
realms:
  - { realm: far.test, home_servers: [h], timeout: 10, ${realm} }
`,
  );
  const radius = await startTestRadius({ env: { AUTHENTIK_RADIUS__POLICY_FILE: policy } });
  onTestFinished(() => radius[Symbol.asyncDispose]());
  const client = await openRawClient(radius.port);
  onTestFinished(() => client[Symbol.dispose]());
  const said = (event: string) => radius.log.lines.find((line) => line.event === event);
  return { radius, client, said, policy };
}

let identifier = 0;
function request() {
  identifier = (identifier + 1) % 256;
  const authenticator = Buffer.alloc(16, identifier);
  const attributes = [
    messageAuthenticator,
    { type: 1, value: Buffer.from('ada@far.test') },
    { type: 2, value: hidePassword(Buffer.from('pw'), authenticator, deviceKey) },
  ];
  return signRequest({ code: 1, identifier, authenticator, attributes }, deviceKey);
}

test('logins and accounting go over one connection, and both ends have shown their certificate', async () => {
  const home = await startHome();
  const { radius, client } = await startForwarding(home, { realm: 'accounting: home' });
  expect((await client.ask(request()))[0]).toBe(packetCode.accessAccept);
  using accounting = await openRawClient(radius.accountingPort);
  const attributes = [
    { type: 40, value: Buffer.of(0, 0, 0, 1) },
    { type: 1, value: Buffer.from('ada@far.test') },
    { type: 44, value: Buffer.from('s1') },
  ];
  const start = signRequest({ code: 4, identifier: 1, authenticator: Buffer.alloc(16), attributes }, deviceKey);
  expect((await accounting.ask(start))[0]).toBe(packetCode.accountingResponse);
  expect(home.connections).toHaveLength(1);
  expect(home.connections[0]?.authorized).toBe(true);
  expect(home.connections[0]?.getPeerCertificate().subject.CN).toBe('gatehouse');
  expect(home.logins().map(({ code }) => code)).toEqual([1, 4]);
});

test.each([
  ['for another name', { serverName: 'other.test' }, {}, /altnames|other\.test/],
  ['of another authority', {}, 'stranger', /self-signed|unable to|certificate/],
] as const)('a server certificate %s: it is told nothing', async (_what, changes, options, reason) => {
  const other = options === 'stranger' ? await createTestAuthority('Stranger') : undefined;
  const issued = await other?.issue('home', { purpose: 'server', names: 'DNS:radius.home.test' });
  const home = await startHome(accept, issued === undefined ? {} : { cert: issued.certPem, key: issued.keyPem });
  const { radius, client, said } = await startForwarding(home, { more: 'check_interval: 0.2,', ...changes });
  client.send(request());
  await soon(() => expect(radius.drops.latest()[0]?.reason).toBe('home_servers_down'));
  await soon(() => expect(said('home server dead')?.['reason']).toMatch(reason));
  expect(home.requests).toEqual([]);
  expect(client.replies).toEqual([]);
  await other?.[Symbol.asyncDispose]();
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: a server that refuses our certificate is dead, not dialled for ever',
  async (version) => {
    await using other = await createTestAuthority('Stranger');
    const { certPem, keyPem } = await other.issue('gatehouse');
    await Promise.all([writeFile(path('strange.pem'), certPem), writeFile(path('strange.key'), keyPem)]);
    const home = await startHome(accept, { minVersion: version, maxVersion: version });
    const { radius, client, said, policy } = await startForwarding(home, {
      own: 'strange',
      more: 'check_interval: 60,',
    });
    client.send(request());
    await soon(() => expect(said('home server dead')).toBeDefined());
    await soon(() => expect(radius.drops.latest()[0]?.reason).toBe('home_servers_down'));
    expect(home.requests).toEqual([]);
    expect(home.dials).toBeLessThan(6);
    let text = '';
    const print = (part: string) => {
      text += part;
    };
    const env = { AUTHENTIK_HOST: radius.core.url, AUTHENTIK_TOKEN: 'token', AUTHENTIK_RADIUS__POLICY_FILE: policy };
    await radiusCommands['doctor']?.run([], { env, print, complain: print });
    expect(text).toMatch(/fail {2}home server h \(127\.0\.0\.1:\d+, TLS\) does not answer Status-Server: .+/);
  },
);

test.each([
  [
    'that is no PEM',
    'own key, half written',
    /broken\.key and .*ca\.pem are not a certificate, its key and an authority in PEM: /,
  ],
  ['that is not there', undefined, /ENOENT.*broken\.key/],
] as const)(
  'a key %s: the home server is dead for a reason, and nothing else happens',
  async (_what, keyText, reason) => {
    const { certPem } = await authority.issue('gatehouse');
    await writeFile(path('broken.pem'), certPem);
    await rm(path('broken.key'), { force: true });
    if (keyText !== undefined) await writeFile(path('broken.key'), keyText);
    const home = await startHome();
    const { radius, client, said } = await startForwarding(home, { own: 'broken', more: 'check_interval: 0.2,' });
    client.send(request());
    await soon(() => expect(radius.drops.latest()[0]?.reason).toBe('home_servers_down'));
    await soon(() => expect(said('home server dead')?.['reason']).toMatch(reason));
    expect(home.dials).toBe(0);
  },
);

test('the connection breaks with a login in work: it goes over the next one, and a repetition never twice over one', async () => {
  const home = await startHome();
  const { client } = await startForwarding(home);
  await soon(() => expect(home.requests.some(isStatus)).toBe(true)); // dialled before anybody logs in
  home.behave = (one) => (isStatus(one) ? accept(one) : undefined);
  const packet = request();
  client.send(packet);
  await soon(() => expect(home.logins()).toHaveLength(1));
  client.send(packet);
  const status = signRequest(
    { code: 12, identifier: 250, authenticator: Buffer.alloc(16, 1), attributes: [messageAuthenticator] },
    deviceKey,
  );
  await client.ask(status); // the repetition has been looked at
  expect(home.logins()).toHaveLength(1);
  home.behave = accept;
  home.connections[0]?.destroy();
  await soon(() => expect(client.replies).toHaveLength(2));
  expect(home.connections).toHaveLength(2);
  expect(home.logins()).toHaveLength(2);
  expect(home.logins()[1]?.bytes).toEqual(home.logins()[0]?.bytes);
});

test('a connection that has fallen silent is found out by Status-Server and dialled anew', async () => {
  const home = await startHome();
  const { client, said } = await startForwarding(home, { more: 'watchdog_interval: 0.1,' });
  await soon(() => expect(home.requests.filter(isStatus).length).toBeGreaterThan(1));
  const [first] = home.connections;
  home.behave = (one, connection) => (connection === first ? undefined : accept(one));
  await soon(() => expect(home.connections.length).toBeGreaterThan(1));
  expect((await client.ask(request()))[0]).toBe(packetCode.accessAccept);
  expect(said('home server dead')).toBeUndefined();
});

test('a server that ends an idle connection is in no trouble: the next login dials', async () => {
  const home = await startHome();
  const { client, said } = await startForwarding(home);
  await soon(() => expect(home.requests).toHaveLength(1));
  home.connections[0]?.end();
  await soon(() => expect(home.connections[0]?.destroyed).toBe(true));
  expect((await client.ask(request()))[0]).toBe(packetCode.accessAccept);
  expect(said('home server dead')).toBeUndefined();
});

test('an answer under another secret ends the connection and is no answer', async () => {
  const home = await startHome((one) =>
    isStatus(one) ? accept(one) : signReply({ code: 2, attributes: [] }, one, deviceKey),
  );
  const { radius, client } = await startForwarding(home, { more: 'watchdog_interval: 60,' });
  client.send(request());
  await soon(async () => expect(await radius.metrics()).toContain('result="bad_authenticator"'));
  await soon(() => expect(home.connections[0]?.destroyed).toBe(true));
  expect(client.replies).toEqual([]);
});

test.each([
  ['{ address: radius.home.test, secret: x }', 'home_servers.h.address'],
  ['{ address: "a b", tls: { ca: x, certificate: x, key: x } }', 'home_servers.h.address'],
  ['{ address: 192.0.2.1 }', 'home_servers.h.secret'],
  ['{ address: 192.0.2.1, tls: { ca: x } }', 'home_servers.h.tls.certificate'],
])('%s: what is wrong is told with its place', (entry, place) => {
  expect(() => readPolicy(`home_servers: { h: ${entry} }`, 'policy.yaml', createDictionary())).toThrow(place);
});
