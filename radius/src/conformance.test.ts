// The conformance cases of radius.md §17 that need no EAP: a daemon, a fake core, radclient and raw packets.
import { readFileSync } from 'node:fs';
import {
  createPacketKey,
  decodePacket,
  hidePassword,
  hideSalted,
  messageAuthenticator,
  packetCode,
  signRequest,
} from '@gatehouse/wire/radius';
import { describe, expect, test, vi } from 'vitest';
import { radclient } from './testing/radclient.ts';
import { A1, openRawClient, p1, p2, type Running, startTestRadius } from './testing/start.ts';

const vectors: readonly { name: string; hex: string }[] = JSON.parse(
  readFileSync(new URL('../../packages/wire/src/vectors/radius.json', import.meta.url), 'utf8'),
);
const vector = (name: string) => Buffer.from(vectors.find((one) => one.name === name)?.hex ?? '', 'hex');
const key = createPacketKey('testing123');
const authenticator = Buffer.from('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex');
const attribute = (type: number, value: string | Buffer) => ({ type, value: Buffer.from(value) });
const pap = (identifier: number, username: string, password: string, more: { type: number; value: Buffer }[] = []) => {
  const hidden = hidePassword(Buffer.from(password), authenticator, key);
  const attributes = [messageAuthenticator, attribute(1, username), { type: 2, value: hidden }, ...more];
  return signRequest({ code: 1, identifier, authenticator, attributes }, key);
};
/** Sends what must stay unanswered, then what is answered at once: only one reply may come. */
const expectSilence = async (radius: Running, packets: readonly Buffer[], port = radius.port) => {
  using client = await openRawClient(port);
  for (const packet of packets) client.send(packet);
  const probe = signRequest(
    { code: 1, identifier: 250, authenticator, attributes: [messageAuthenticator, attribute(1, 'x')] },
    key,
  );
  const status = signRequest({ code: 12, identifier: 250, authenticator, attributes: [messageAuthenticator] }, key);
  await client.ask(port === radius.port ? probe : status);
  expect(client.replies.map((reply) => reply.readUInt8(1))).toEqual([250]);
};
/** Something to wait for, and the hand that ends the wait. */
function openGate() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}
const withAttributes = (attributes: string | null) => ({ providers: [{ ...p1, attributes }] });

describe('logins', () => {
  test.each([
    ['radius C01', 'User-Name=alice,User-Password=s3cr3t,MA', 'Access-Accept'],
    ['radius C02', 'User-Name=alice,User-Password=bad,MA', 'Access-Reject'],
    ['radius C03', 'User-Name=alice,User-Password=s3cr3t', 'Access-Accept'],
    ['radius C22', 'User-Name=erin,User-Password="pa;ss",MA', 'Access-Accept'],
    ['radius C30, flow-executor 22', 'User-Name=mallory,User-Password=s3cr3t,MA', 'Access-Reject'],
  ])('radius C04: %s: %s gives %s, with Message-Authenticator', async (_case, input, expected) => {
    await using radius = await startTestRadius();
    const { code, output } = await radclient(radius.port, input);
    expect(code).toBe(expected);
    expect(output).toContain('Message-Authenticator = 0x');
  });

  test('radius C05, C41: Message-Authenticator is first, and the identifier is the request’s', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    const reply = await client.ask(vector('V03'));
    expect(reply.subarray(20, 22).toString('hex')).toBe('5012');
    expect(reply.readUInt8(1)).toBe(42);
  });

  test('radius C11, C13, C14: passwords of 16, 17, 53 and 128 bytes; an empty one; UTF-8', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    for (const name of ['V11', 'V12', 'V13', 'V14', 'V17'])
      expect((await client.ask(vector(name))).readUInt8(0), name).toBe(packetCode.accessAccept);
    expect((await client.ask(vector('V15'))).readUInt8(0)).toBe(packetCode.accessReject);
    const answer = radius.core.seen('flows/executor').find(({ body }) => body.includes('zoë'));
    expect(JSON.parse(answer?.body ?? '{}')).toMatchObject({ uid_field: 'zoë', password: 'pässwörd€' });
  });

  test.each([
    ['radius C15', 's3cr3t;123456', 's3cr3t', '123456'],
    ['radius C16', 's3cr3t;Ab3dE6gH', 's3cr3t', 'Ab3dE6gH'],
    ['radius C17', 'a;b;123456', 'a;b', '123456'],
    ['radius C18', 's3cr3t;', 's3cr3t;', undefined],
    ['radius C19', 's3cr3t;1234567', 's3cr3t;1234567', undefined],
    ['radius C20', 'x;abcdef', 'x;abcdef', undefined],
    ['radius C20', 'x;+12345', 'x;+12345', undefined],
  ])('%s: "%s" is password "%s" and code %s', async (_case, typed, password, code) => {
    await using radius = await startTestRadius({ users: { carol: { password, code: code ?? 'none' } } });
    using client = await openRawClient(radius.port);
    const reply = await client.ask(pap(1, 'carol', typed));
    expect(reply.readUInt8(0)).toBe(code === undefined ? packetCode.accessReject : packetCode.accessAccept);
    const bodies = radius.core.seen('flows/executor').flatMap(({ body }) => (body === '' ? [] : [JSON.parse(body)]));
    expect([bodies[0].password, bodies[1]?.code]).toEqual([password, code]);
  });

  test('radius C21: without MFA support the whole text answers both stages', async () => {
    const users = { carol: { password: 's3cr3t;123456', code: 's3cr3t;123456' } };
    await using radius = await startTestRadius({ users, providers: [{ ...p1, mfa_support: false }] });
    using client = await openRawClient(radius.port);
    expect((await client.ask(pap(1, 'carol', 's3cr3t;123456'))).readUInt8(0)).toBe(packetCode.accessAccept);
  });

  test('radius C48, C49: headers, query and cookies of the calls to the core', async () => {
    await using radius = await startTestRadius();
    await radclient(radius.port, 'User-Name=alice,User-Password=s3cr3t,MA');
    const calls = [...radius.core.seen('flows/executor'), ...radius.core.seen('check_access')];
    expect(calls.length).toBeGreaterThan(3);
    for (const { headers } of calls) {
      expect(headers).toMatchObject({ 'x-authentik-remote-ip': '127.0.0.1', 'x-authentik-outpost-token': 'token' });
      expect(headers['user-agent']).toMatch(/^goauthentik\.io\/outpost\//);
      expect(headers.authorization).toBeUndefined();
    }
    expect(calls[0]?.url).toContain('?query=goauthentik.io%252Foutpost%252Fradius%3Dtrue');
    expect(radius.core.seen('check_access')[0]?.url).toContain('?app_slug=p1');
  });
});

describe('what is refused without the core', () => {
  test.each([
    ['radius C53', 'User-Name=alice,CHAP-Password=s3cr3t,MA'],
    ['radius C55', 'User-Name=alice,MA'],
    ['radius C55', 'User-Password=s3cr3t,MA'],
  ])('%s: %s', async (_case, input) => {
    await using radius = await startTestRadius();
    expect((await radclient(radius.port, input)).code).toBe('Access-Reject');
    expect(radius.core.flows()).toBe(0);
  });

  test('radius C10, C54: MS-CHAPv2 without Wi-Fi secrets, and a password that is no text', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    expect((await client.ask(vector('V20'))).readUInt8(0)).toBe(packetCode.accessReject);
    const other = createPacketKey('another secret');
    const hidden = hidePassword(Buffer.from('s3cr3t'), authenticator, other);
    const packet = {
      code: 1,
      identifier: 9,
      authenticator,
      attributes: [attribute(1, 'alice'), { type: 2, value: hidden }],
    };
    expect((await client.ask(signRequest(packet, other))).readUInt8(0)).toBe(packetCode.accessReject);
    expect(radius.core.flows()).toBe(0);
    expect(radius.log.lines.map(({ event }) => event)).toContain('possible shared secret mismatch');
  });
});

describe('silence', () => {
  test('radius C06–C08: a wrong Message-Authenticator, each of its bits, or two of them', async () => {
    await using radius = await startTestRadius();
    const changed = Array.from({ length: 128 }, (_, bit) => {
      const bytes = vector('V03');
      const at = 22 + (bit >> 3);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at);
      return bytes;
    });
    const doubled = Buffer.concat([vector('V03'), Buffer.from('5012', 'hex'), Buffer.alloc(16)]);
    doubled.writeUInt16BE(doubled.length, 2);
    await expectSilence(radius, [...changed, doubled]);
    expect(radius.core.flows()).toBe(0);
    expect(await radius.metrics()).toContain('dropped_total{reason="bad_message_authenticator"} 128');
    expect(radius.log.lines.filter(({ event }) => event === 'Invalid message authenticator')).toHaveLength(1);
  });

  test('radius C09: another secret, with Message-Authenticator', async () => {
    await using radius = await startTestRadius();
    const { code } = await radclient(radius.port, 'User-Name=alice,User-Password=s3cr3t,MA', {
      secret: 'wrong',
      timeoutS: 1,
    });
    expect(code).toBe('none');
    expect(radius.core.flows()).toBe(0);
  });

  test('radius C12, C57: the malformed corpus, and alive afterwards; M20: padding is accepted', async () => {
    await using radius = await startTestRadius();
    const zeros = '00'.repeat(16);
    const raw = [
      '',
      `01010013${'00'.repeat(15)}`,
      `0101000a${zeros}`,
      `01010015${zeros}`,
      `01010018${zeros}010a6161`,
      `01010017${zeros}010161`,
      `01010016${zeros}0100`,
      `01010015${zeros}01`,
      `01011001${'00'.repeat(4093)}`,
      `01011000${zeros}${'0102'.repeat(2038)}`,
    ];
    const signed = (identifier: number, ...attributes: { type: number; value: Buffer }[]) =>
      signRequest(
        {
          code: 1,
          identifier,
          authenticator,
          attributes: [messageAuthenticator, attribute(1, 'alice'), ...attributes],
        },
        key,
      );
    const passwords = [1, 15, 17, 18, 19, 20, 21, 22, 23, 24, 31, 127, 129, 144, 253].map((length) =>
      signed(length, attribute(2, Buffer.alloc(length, 1))),
    );
    const eap = ['02', '0201', '020100', '02010004', '03010004', '0201000503', '020100050d', '0201000a01616161'].map(
      (hex, at) => signed(100 + at, attribute(79, Buffer.from(hex, 'hex'))),
    );
    using client = await openRawClient(radius.port);
    for (const packet of [...raw.map((hex) => Buffer.from(hex, 'hex')), ...passwords, ...eap]) client.send(packet);
    client.send(Buffer.concat([vector('V03'), Buffer.alloc(100, 0xff)]));
    await vi.waitFor(() => expect(client.replies.some((reply) => reply.readUInt8(1) === 42)).toBe(true));
    const codes = client.replies.map((reply) => reply.readUInt8(0));
    expect(codes.filter((code) => code === 2)).toHaveLength(1);
    expect(codes.length).toBeLessThanOrEqual(3);
  });

  test('radius C57: M10, M11: two Message-Authenticators, and one of another length; M19: every bit of an accounting authenticator', async () => {
    await using radius = await startTestRadius();
    const short = Buffer.concat([vector('V04'), Buffer.from('5011', 'hex'), Buffer.alloc(15)]);
    short.writeUInt16BE(short.length, 2);
    await expectSilence(radius, [short]);
    const changed = Array.from({ length: 128 }, (_, bit) => {
      const bytes = vector('V26');
      bytes.writeUInt8(bytes.readUInt8(4 + (bit >> 3)) ^ (1 << (bit & 7)), 4 + (bit >> 3));
      return bytes;
    });
    await expectSilence(radius, changed, radius.accountingPort);
    expect(await radius.metrics()).toContain('dropped_total{reason="bad_authenticator"} 128');
  });

  test('radius C57: M14: vendor attributes that do not add up are no reason to refuse; M18: CHAP and State of odd sizes', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    const odd = ['0000', '00000009', '0000000901', '000000090100', '000000090101', '0000000901ff6161'];
    for (const [at, hex] of odd.entries()) {
      const reply = await client.ask(pap(at, 'alice', 's3cr3t', [{ type: 26, value: Buffer.from(hex, 'hex') }]));
      expect(reply.readUInt8(0), hex).toBe(packetCode.accessAccept);
    }
    const chap = (length: number) =>
      signRequest(
        {
          code: 1,
          identifier: 100 + length,
          authenticator,
          attributes: [messageAuthenticator, attribute(1, 'alice'), { type: 3, value: Buffer.alloc(length, 1) }],
        },
        key,
      );
    for (const length of [0, 1, 16])
      expect((await client.ask(chap(length))).readUInt8(0)).toBe(packetCode.accessReject);
    for (const [at, length] of [0, 253].entries()) {
      const state = { type: 24, value: Buffer.alloc(length, 1) };
      expect((await client.ask(pap(200 + at, 'alice', 's3cr3t', [state]))).readUInt8(0)).toBe(packetCode.accessReject);
    }
  });

  test('radius C56: other codes', async () => {
    await using radius = await startTestRadius();
    const codes = [0, 2, 3, 5, 6, 11, 13, 40, 41, 42, 43, 44, 45, 52, 255];
    await expectSilence(
      radius,
      codes.map((code) => Buffer.from([code, 1, 0, 20, ...Buffer.alloc(16)])),
    );
  });

  test('radius C44: an unknown client; nothing is asked of the core', async () => {
    await using radius = await startTestRadius({ providers: [{ ...p1, client_networks: '192.0.2.0/24' }] });
    using client = await openRawClient(radius.port);
    client.send(vector('V03'));
    await vi.waitFor(async () => expect(await radius.metrics()).toContain('dropped_total{reason="unknown_client"} 1'));
    expect(radius.core.flows()).toBe(0);
    expect(client.replies).toEqual([]);
  });

  for (const fault of [500, 503, 'close', 'garbage'] as const)
    test(`radius C52: the core answers with ${fault}: silence, and an answer once it is well`, async () => {
      await using radius = await startTestRadius();
      using client = await openRawClient(radius.port);
      radius.core.fail('flows/executor', fault);
      client.send(vector('V03'));
      await vi.waitFor(async () =>
        expect(await radius.metrics()).toContain('dropped_total{reason="core_unreachable"} 1'),
      );
      expect(client.replies).toEqual([]);
      radius.core.fail('flows/executor', undefined);
      expect((await client.ask(vector('V03'))).readUInt8(0)).toBe(packetCode.accessAccept);
    });

  test('radius C52: on_core_failure=reject, and a core that never answers', async () => {
    const env = { AUTHENTIK_RADIUS__ON_CORE_FAILURE: 'reject', AUTHENTIK_RADIUS__FLOW_TIMEOUT: '50ms' };
    await using radius = await startTestRadius({ env });
    radius.core.fail('flows/executor', 'hang');
    using client = await openRawClient(radius.port);
    expect((await client.ask(vector('V03'))).readUInt8(0)).toBe(packetCode.accessReject);
    expect(await radius.metrics()).toMatch(/requests_rejected_total\{[^}]*reason="core_unreachable"[^}]*\} 1/);
  });

  test('radius C85, C86: require_message_authenticator, limit_proxy_state, and auto latches', async () => {
    for (const [env, refused] of [
      [{ AUTHENTIK_RADIUS__REQUIRE_MESSAGE_AUTHENTICATOR: 'yes' }, 'V04'],
      [{ AUTHENTIK_RADIUS__REQUIRE_MESSAGE_AUTHENTICATOR: 'auto' }, 'V04'],
    ] as const) {
      await using radius = await startTestRadius({ env });
      using client = await openRawClient(radius.port);
      expect((await client.ask(vector('V03'))).readUInt8(0)).toBe(2);
      await expectSilence(radius, [vector(refused)]);
    }
    await using radius = await startTestRadius({ env: { AUTHENTIK_RADIUS__LIMIT_PROXY_STATE: 'true' } });
    const bare = decodePacket(vector('V04'));
    await expectSilence(radius, [signRequest({ ...bare, attributes: [...bare.attributes, attribute(33, 'x')] }, key)]);
    using client = await openRawClient(radius.port);
    expect((await client.ask(vector('V04'))).readUInt8(0)).toBe(2);
    expect((await client.ask(pap(8, 'alice', 's3cr3t', [attribute(33, 'x')]))).readUInt8(0)).toBe(2);
  });
});

describe('duplicates', () => {
  test('radius C24: retransmissions during a push start one flow and get one reply', async () => {
    let approve = () => {};
    const approved = new Promise<void>((resolve) => {
      approve = resolve;
    });
    await using radius = await startTestRadius({ users: { dave: { password: 's3cr3t', push: () => approved } } });
    using client = await openRawClient(radius.port);
    const packet = pap(1, 'dave', 's3cr3t');
    for (let time = 0; time < 4; time++) client.send(packet);
    await vi.waitFor(() =>
      expect(radius.core.seen('flows/executor').some(({ body }) => body.includes('duo'))).toBe(true),
    );
    await vi.waitFor(async () => expect(await radius.metrics()).toContain('reason="duplicate_in_flight"} 3'));
    approve();
    await vi.waitFor(() => expect(client.replies).toHaveLength(1));
    expect(client.replies[0]?.readUInt8(0)).toBe(packetCode.accessAccept);
    expect(radius.core.flows()).toBe(1);
  });

  test('radius C25, C26: a retransmission after the reply gets the identical bytes; a one-time code survives', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    for (const packet of [vector('V03'), pap(1, 'carol', 's3cr3t;123456')]) {
      const first = await client.ask(packet);
      expect(first.readUInt8(0)).toBe(packetCode.accessAccept);
      expect(await client.ask(packet)).toEqual(first);
    }
    expect(radius.core.flows()).toBe(2);
    expect(await radius.metrics()).toContain('duplicates_replayed_total 2');
  });

  test('radius C27, C28: the same identifier with another authenticator, or of another port, is another request', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    using other = await openRawClient(radius.port);
    await client.ask(vector('V03'));
    await client.ask(pap(42, 'alice', 's3cr3t'));
    await other.ask(vector('V03'));
    expect(radius.core.flows()).toBe(3);
  });
});

describe('reply attributes', () => {
  test('radius C31, C32: the core’s attributes, same order and bytes; none in a Reject', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    const accept = decodePacket(await client.ask(vector('V03')));
    const hex = '190b61757468656e74696b0b0967726f75702d611b0600000e1006060000000608060a010203';
    expect(accept.bytes.subarray(38).toString('hex')).toBe(hex);
    const reject = decodePacket(await client.ask(pap(3, 'alice', 'bad')));
    expect(reject.attributes.map(({ type }) => type)).toEqual([80]);
  });

  test.each([
    [
      'radius C33',
      'AQcALQABAgMEBQYHCAkKCwwNDg8aGQAAAAkBE3NoZWxsOnByaXYtbHZsPTE1',
      'Cisco-AVPair = "shell:priv-lvl=15"',
    ],
    ['radius C34', 'AQcAJQABAgMEBQYHCAkKCwwNDg9ABgEAAA1BBgEAAAZRBQEyMA==', 'Tunnel-Private-Group-Id:1 = "20"'],
    ['radius C35', 'AQcAIQABAgMEBQYHCAkKCwwNDg8aDQAANyoBB2hlbGxv', 'WISPr-Location-ID = "hello"'],
    [
      'radius §6.2 A10',
      'AQcAKAABAgMEBQYHCAkKCwwNDg9hFABAIAENuAAAAAAAAAAAAAAAAA==',
      'Framed-IPv6-Prefix = 2001:db8::/64',
    ],
  ])('%s: radclient reads %s as %s', async (_case, attributes, shown) => {
    await using radius = await startTestRadius(withAttributes(attributes));
    expect((await radclient(radius.port, 'User-Name=alice,User-Password=s3cr3t,MA')).output).toContain(shown);
  });

  test('radius C36: what the daemon owns is not passed on', async () => {
    await using radius = await startTestRadius(withAttributes('AQcAGQABAgMEBQYHCAkKCwwNDg8CBWFiYw=='));
    using client = await openRawClient(radius.port);
    expect(decodePacket(await client.ask(vector('V03'))).attributes.map(({ type }) => type)).toEqual([80]);
  });

  test('radius C37: a tunnel password of the core can be read by the device', async () => {
    const from = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    const hidden = hideSalted(Buffer.from('wpa-passphrase'), Buffer.of(0x80, 1), from, key);
    const packet = {
      code: 1,
      identifier: 7,
      authenticator: from,
      attributes: [attribute(69, Buffer.concat([Buffer.of(1), hidden]))],
    };
    await using radius = await startTestRadius(withAttributes(signRequest(packet, key).toString('base64')));
    const { output } = await radclient(radius.port, 'User-Name=alice,User-Password=s3cr3t,MA');
    expect(output).toContain('Tunnel-Password:1 = "wpa-passphrase"');
  });

  test('radius C38, C39: none at all is an Accept, unless require_attributes; what cannot be read is a Reject', async () => {
    for (const [attributes, env, code, reason] of [
      [null, {}, 2, undefined],
      [null, { AUTHENTIK_RADIUS__REQUIRE_ATTRIBUTES: 'true' }, 3, 'attributes_missing'],
      ['no base64!', {}, 3, 'attribute_decode_failed'],
      ['AAAA', {}, 3, 'attribute_parse_failed'],
    ] as const) {
      await using radius = await startTestRadius({ ...withAttributes(attributes), env });
      using client = await openRawClient(radius.port);
      expect((await client.ask(vector('V03'))).readUInt8(0)).toBe(code);
      if (reason !== undefined) expect(await radius.metrics()).toContain(`reason="${reason}"`);
    }
  });

  test('radius C40: every Proxy-State comes back, in order, byte for byte as V10', async () => {
    await using radius = await startTestRadius({ users: {} });
    using client = await openRawClient(radius.port);
    expect(await client.ask(vector('V09'))).toEqual(vector('V10'));
  });

  test('radius E19: an Accept that would not fit is a Reject', async () => {
    const many = Array.from({ length: 14 }, () => attribute(18, 'x'.repeat(253)));
    const packet = { code: 1, identifier: 7, authenticator, attributes: many };
    await using radius = await startTestRadius(withAttributes(signRequest(packet, key).toString('base64')));
    using client = await openRawClient(radius.port);
    const states = Array.from({ length: 3 }, () => attribute(33, 's'.repeat(253)));
    expect((await client.ask(pap(5, 'alice', 's3cr3t', states))).readUInt8(0)).toBe(packetCode.accessReject);
    expect(await radius.metrics()).toContain('reason="reply_too_large"');
  });
});

describe('second factors', () => {
  test('radius C23: a push is answered after the approval', async () => {
    const approval = openGate();
    await using radius = await startTestRadius({
      users: { dave: { password: 's3cr3t', push: () => approval.promise } },
    });
    const login = radclient(radius.port, 'User-Name=dave,User-Password=s3cr3t,MA', { timeoutS: 10 });
    await vi.waitFor(() =>
      expect(radius.core.seen('flows/executor').some(({ body }) => body.includes('duo'))).toBe(true),
    );
    approval.resolve();
    expect((await login).code).toBe('Access-Accept');
  });

  test('radius C24: a second login of the same user and password, from another port, waits for the same push', async () => {
    const approval = openGate();
    let pushes = 0;
    const push = () => {
      pushes += 1;
      return approval.promise;
    };
    await using radius = await startTestRadius({ users: { dave: { password: 's3cr3t', push } } });
    using one = await openRawClient(radius.port);
    using other = await openRawClient(radius.port);
    const replies = [one.ask(pap(1, 'dave', 's3cr3t')), other.ask(pap(2, 'dave', 's3cr3t'))];
    await vi.waitFor(() => expect(pushes).toBe(1));
    await vi.waitFor(async () => expect(await radius.metrics()).toContain('packets_total{code="Access-Request"} 2'));
    approval.resolve();
    expect((await Promise.all(replies)).map((reply) => reply.readUInt8(0))).toEqual([2, 2]);
    expect(pushes).toBe(1);
  });

  test('radius C50: a flow without an end is a Reject', async () => {
    const endless = { password: 's3cr3t', devices: ['webauthn'], code: 'x' };
    await using radius = await startTestRadius({ users: { loop: endless } });
    radius.core.loop = true;
    const { code } = await radclient(radius.port, 'User-Name=loop,User-Password=s3cr3t,MA');
    expect(code).toBe('Access-Reject');
    expect(radius.core.seen('flows/executor').length).toBeLessThanOrEqual(40);
  });

  test('radius C51: only a device that needs a browser, or a code that was not given: a Reject', async () => {
    await using radius = await startTestRadius({
      users: {
        key: { password: 's3cr3t', code: 'x', devices: ['webauthn'] },
        carol: { password: 's3cr3t', code: 'x' },
      },
    });
    for (const name of ['key', 'carol'])
      expect((await radclient(radius.port, `User-Name=${name},User-Password=s3cr3t,MA`)).code).toBe('Access-Reject');
    expect(await radius.metrics()).toMatch(/reason="flow_error"[^}]*\} 2/);
  });
});

describe('Access-Challenge', () => {
  const challenging = { AUTHENTIK_RADIUS__CHALLENGE: 'true' };
  const withState = (identifier: number, code: string, reply: Buffer) =>
    pap(
      identifier,
      'carol',
      code,
      decodePacket(reply).attributes.filter(({ type }) => type === 24),
    );

  test('radius C90: a missing code is asked for, and lets in', async () => {
    await using radius = await startTestRadius({ env: challenging });
    const asked = await radclient(radius.port, 'User-Name=carol,User-Password=s3cr3t,MA');
    expect(asked.code).toBe('Access-Challenge');
    expect(asked.output).toContain('Reply-Message = "Code of your authenticator app"');
    expect(asked.output).toMatch(/Prompt = No-Echo/);
    const state = /State = (0x[\da-f]+)/.exec(asked.output)?.[1] ?? '';
    const answered = await radclient(radius.port, `User-Name=carol,User-Password=123456,State=${state},MA`);
    expect(answered.code).toBe('Access-Accept');
    expect(radius.core.flows()).toBe(1);
  });

  test('radius C90: a wrong code, a State used twice, another user, another State: a Reject', async () => {
    await using radius = await startTestRadius({ env: challenging });
    using client = await openRawClient(radius.port);
    const asked = await client.ask(pap(1, 'carol', 's3cr3t'));
    const wrong = withState(2, '000000', asked);
    expect((await client.ask(wrong)).readUInt8(0)).toBe(packetCode.accessReject);
    expect((await client.ask(withState(3, '123456', asked))).readUInt8(0)).toBe(packetCode.accessReject);
    const again = await client.ask(pap(4, 'carol', 's3cr3t'));
    const [state] = decodePacket(again).attributes.filter(({ type }) => type === 24);
    if (state === undefined) throw new Error('no State');
    expect((await client.ask(pap(5, 'alice', '123456', [state]))).readUInt8(0)).toBe(packetCode.accessReject);
    expect((await client.ask(pap(6, 'carol', '123456', [attribute(24, 'none')]))).readUInt8(0)).toBe(3);
    expect(await radius.metrics()).toMatch(/reason="challenge_expired"[^}]*\} 3/);
  });

  test('radius C90: the core goes away between password and code: silence, and the same answer lets in later', async () => {
    await using radius = await startTestRadius({ env: challenging });
    using client = await openRawClient(radius.port);
    const asked = await client.ask(pap(1, 'carol', 's3cr3t'));
    radius.core.fail('flows/executor', 503);
    const answer = withState(2, '123456', asked);
    client.send(answer);
    await vi.waitFor(async () =>
      expect(await radius.metrics()).toContain('dropped_total{reason="core_unreachable"} 1'),
    );
    radius.core.fail('flows/executor', undefined);
    expect((await client.ask(answer)).readUInt8(0)).toBe(packetCode.accessAccept);
  });

  test('radius C90: a code that is sent by e-mail is sent once, when it is asked for', async () => {
    await using radius = await startTestRadius({
      env: challenging,
      users: { carol: { password: 's3cr3t', code: '123456', devices: ['email'] } },
    });
    using client = await openRawClient(radius.port);
    const asked = await client.ask(pap(1, 'carol', 's3cr3t'));
    const chosen = () => radius.core.seen('flows/executor').filter(({ body }) => body.includes('selected_challenge'));
    expect(chosen()).toHaveLength(1);
    expect((await client.ask(withState(2, '123456', asked))).readUInt8(0)).toBe(packetCode.accessAccept);
    expect(chosen()).toHaveLength(1);
  });
});

describe('budgets', () => {
  test('radius §4.1: one address has only so many requests in work, and nobody else suffers', async () => {
    const approval = openGate();
    await using radius = await startTestRadius({
      users: { dave: { password: 's3cr3t', push: () => approval.promise } },
      env: { AUTHENTIK_RADIUS__REQUESTS_PER_SOURCE: '2' },
    });
    using client = await openRawClient(radius.port);
    for (const identifier of [1, 2, 3, 4]) client.send(pap(identifier, 'dave', 's3cr3t'));
    await vi.waitFor(async () => expect(await radius.metrics()).toContain('dropped_total{reason="source_budget"} 2'));
    approval.resolve();
    await vi.waitFor(() => expect(client.replies).toHaveLength(2));
  });
});

describe('clients', () => {
  test('radius C42, C43: the longest prefix wins, whatever the order; equal secrets are kept apart', async () => {
    for (const providers of [
      [p1, { ...p2, shared_secret: 'testing123' }],
      [{ ...p2, shared_secret: 'testing123' }, p1],
    ]) {
      await using radius = await startTestRadius({ providers });
      const input = 'User-Name=alice,User-Password=s3cr3t,MA,Packet-Src-IP-Address=127.0.0.2';
      expect((await radclient(radius.port, input)).code).toBe('Access-Accept');
      expect(radius.core.seen('check_access').map(({ path }) => path)).toEqual([
        '/api/v3/outposts/radius/2/check_access/',
      ]);
    }
  });

  test('radius C45: an entry that is no network is passed over and named', async () => {
    await using radius = await startTestRadius({
      providers: [{ ...p1, client_networks: '127.0.0.0/8, 300.1.1.1/8, 10.0.0.1,' }],
    });
    using client = await openRawClient(radius.port);
    expect((await client.ask(vector('V03'))).readUInt8(0)).toBe(2);
    expect(radius.log.lines.filter(({ event }) => event === 'Failed to parse CIDR').map(({ cidr }) => cidr)).toEqual([
      '300.1.1.1/8',
    ]);
  });

  test('radius C47: IPv4 on a dual-stack socket is IPv4', async () => {
    await using radius = await startTestRadius({ env: { AUTHENTIK_LISTEN__RADIUS: '[::]:0' } });
    expect((await radclient(radius.port, 'User-Name=alice,User-Password=s3cr3t,MA')).code).toBe('Access-Accept');
    expect(radius.core.seen('check_access')[0]?.headers['x-authentik-remote-ip']).toBe('127.0.0.1');
  });
});

test('radius C46: a client that comes by IPv6', async () => {
  await using radius = await startTestRadius({ env: { AUTHENTIK_LISTEN__RADIUS: '[::1]:0' } });
  const { code } = await radclient(radius.port, 'User-Name=alice,User-Password=s3cr3t,MA', { host: '[::1]' });
  expect(code).toBe('Access-Accept');
  expect(radius.core.seen('check_access')[0]?.headers['x-authentik-remote-ip']).toBe('::1');
});

describe('Status-Server and the rest', () => {
  test('radius C58, C60: on the authentication port, and on the accounting port', async () => {
    await using radius = await startTestRadius();
    expect((await radclient(radius.port, 'MA', { kind: 'status' })).code).toBe('Access-Accept');
    expect((await radclient(radius.accountingPort, 'MA', { kind: 'status' })).code).toBe('Accounting-Response');
  });

  test('radius C59: without Message-Authenticator it is ignored', async () => {
    await using radius = await startTestRadius();
    await expectSilence(radius, [Buffer.from('0c3c0014a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex')]);
  });

  test('radius C87: metrics under the reference’s names and labels', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    await client.ask(vector('V03'));
    await client.ask(pap(3, 'alice', 'bad'));
    const text = await radius.metrics();
    expect(text).toContain(
      'authentik_outpost_radius_requests_rejected_total{outpost_name="office",reason="invalid_credentials",app="p1"} 1',
    );
    expect(text).toMatch(/authentik_outpost_radius_request_duration_seconds_count\{outpost_name="office",app="p1"\} 2/);
  });

  test('radius §9.2: every metric has its name and its labels, and none an address or a user', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    await client.ask(vector('V03'));
    await client.ask(vector('V03'));
    await client.ask(pap(3, 'alice', 'bad'));
    await client.ask(vector('V36'));
    await radclient(radius.accountingPort, 'Acct-Status-Type=Start,User-Name=alice,Acct-Session-Id=s', {
      kind: 'acct',
    });
    await expectSilence(radius, [Buffer.from('0c3c0014a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex')]);
    const text = await radius.metrics();
    for (const one of [
      'packets_total{code="Access-Request"}',
      'dropped_total{reason="missing_message_authenticator"}',
      'duplicates_replayed_total 1',
      'accounting_total{status_type="start"} 1',
      'eap_sessions 0',
      'eap_total{method="none",result="failure"} 1',
      'kernel_drops 0',
      'requests_rejected_total{outpost_name="office",reason="invalid_credentials",app="p1"}',
      'request_duration_seconds_bucket{le="0.005",outpost_name="office",app="p1"}',
    ])
      expect(text).toContain(`authentik_outpost_radius_${one}`);
    expect(text).toMatch(/^# TYPE authentik_outpost_radius_coa_total counter$/m);
    expect(text).toMatch(/^authentik_outpost_flow_timing_post_seconds_count\{[^}]*stage="/m);
    expect(text).not.toMatch(/alice|127\.0\.0\.1/);
  });

  test('radius §5: a verdict is remembered when set so, but neither a refusal nor a one-time code', async () => {
    await using radius = await startTestRadius({
      env: { AUTHENTIK_RADIUS__VERDICT_CACHE: '60s' },
      providers: [{ ...p1, attributes: A1 }],
    });
    using client = await openRawClient(radius.port);
    for (const [first, password, flows] of [
      [10, 's3cr3t', 1],
      [20, 'bad', 3],
      [30, 's3cr3t;123456', 5],
    ] as const) {
      await client.ask(pap(first, 'alice', password));
      await client.ask(pap(first + 1, 'alice', password));
      expect(radius.core.flows()).toBe(flows);
    }
  });

  test('radius §9.1: no line holds a password or a secret', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.port);
    for (const packet of [vector('V03'), pap(3, 'alice', 'bad-password')]) await client.ask(packet);
    expect(JSON.stringify(radius.log.lines)).not.toMatch(/s3cr3t|bad-password|testing123/);
  });
});
