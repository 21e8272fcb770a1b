// Connections and messages (ldap.md §18, cases 32 to 42): TLS, framing, broken input, unbind, the end of sessions.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeRequest, parseFilter } from '@gatehouse/wire/ldap';
import { Client } from 'ldapts';
import { describe, expect, test } from 'vitest';
import { until } from '../../harness/index.ts';
import { code, exchange, hex, names } from './asking.ts';
import { direct, dnOf, ldapFixture, password } from './fixture.ts';

const fixture = ldapFixture();

const bindCode = (dn: string, secret: string) => code(fixture.client().bind(dn, secret));

describe('transport', () => {
  test('ldap 32: StartTLS works once; a second one is operationsError', async () => {
    const client = fixture.client();
    await client.startTLS({ rejectUnauthorized: false });
    expect(await code(client.bind(dnOf('jdoe'), password))).toBe(0);
    expect(await code(client.exop('1.3.6.1.4.1.1466.20037'))).toBe(1);
  });

  test('ldap 33: octets behind StartTLS in one segment end the connection uninterpreted', async () => {
    const startTls = hex('301d02010177188016312e332e362e312e342e312e313436362e3230303337');
    const { data, closed } = await exchange(
      fixture.port,
      Buffer.concat([startTls, hex('300c020101600702010304008000')]),
    );
    expect(closed).toBe(true);
    expect(data.length).toBe(0);
  });

  test('ldap 35, core-contract 28: LDAPS shows the self-signed certificate without a better one', async () => {
    const client = new Client({ url: fixture.secureUrl, tlsOptions: { rejectUnauthorized: false } });
    await client.bind(dnOf('jdoe'), password);
    await client.unbind();
    const subject = await new Promise<string | undefined>((resolve, reject) => {
      const { port, hostname } = new URL(fixture.secureUrl);
      const socket = connectTls({ port: Number(port), host: hostname, rejectUnauthorized: false }, () => {
        const { CN } = socket.getPeerCertificate().subject;
        resolve(Array.isArray(CN) ? CN[0] : CN);
        socket.destroy();
      });
      socket.on('error', reject);
    });
    expect(subject).toBe('authentik default certificate');
  });

  test('ldap 36, core-contract 29: TLS 1.1 is refused', async () => {
    const { port } = new URL(fixture.secureUrl);
    const refused = new Promise((resolve) => {
      const socket = connectTls({
        port: Number(port),
        host: '127.0.0.1',
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1.1',
        ciphers: 'ALL:@SECLEVEL=0',
      });
      socket.on('error', resolve);
    });
    expect(await refused).toBeInstanceOf(Error);
  });

  test.each([
    ['Q1', '30 02 02 05'],
    ['Q2', '30 84 7f ff ff ff'],
    ['Q3', '30 80 02 01 01 42 00 00 00'],
    ['Q4', '30 05 04 01 41 42 00'],
    ['Q5', '30 05 02 01 01 04 00'],
    ['Q6', '30 00'],
    ['Q8', '47 45 54 20 2f 20 48 54 54 50'],
    ['Q9', '16 03 01 02 00 01 00 01 fc 03 03'],
  ])('ldap 37: malformed input %s closes its own connection only', async (_name, octets) => {
    const other = await fixture.bound('jdoe');
    const { closed, data } = await exchange(fixture.port, hex(octets), { waitMs: 3_000 });
    expect(closed).toBe(true);
    if (data.length > 0) expect(data.includes('1.3.6.1.4.1.1466.20036')).toBe(true);
    expect(await names(other, dnOf('jdoe'), '(objectClass=*)', { scope: 'base' })).toEqual([dnOf('jdoe')]);
  });

  test('ldap 37: Q10, a filter nested ten thousand deep, closes its own connection only', async () => {
    let filter = hex('870b6f626a656374436c617373');
    for (let depth = 0; depth < 10_000; depth += 1) {
      const { length } = filter;
      const header =
        length < 128
          ? [0xa2, length]
          : length < 65_536
            ? [0xa2, 0x82, length >> 8, length & 255]
            : [0xa2, 0x83, length >> 16, (length >> 8) & 255, length & 255];
      filter = Buffer.concat([Buffer.from(header), filter]);
    }
    const body = Buffer.concat([hex('0400 0a0102 0a0100 020100 020100 010100'), filter, hex('3000')]);
    const long = (tag: number, content: Buffer) =>
      Buffer.concat([
        Buffer.from([tag, 0x83, content.length >> 16, (content.length >> 8) & 255, content.length & 255]),
        content,
      ]);
    const { closed } = await exchange(fixture.port, long(0x30, Buffer.concat([hex('020102'), long(0x63, body)])), {
      waitMs: 3_000,
    });
    expect(closed).toBe(true);
    expect(await bindCode(dnOf('jdoe'), password)).toBe(0);
  });

  test('ldap 38: a critical control without a value is fine', async () => {
    const bind = encodeRequest({
      messageId: 1,
      op: {
        op: 'bindRequest',
        version: 3,
        name: dnOf('jdoe'),
        authentication: { kind: 'simple', password: Buffer.from(password) },
      },
      controls: [],
    });
    const d4 = hex(
      '306e020102634904256f753d75736572732c64633d6c6461702c64633d676f61757468656e74696b2c64633d696f0a01020a0100020100020100010100a30a0402636e04046a646f6530050403312e31a01e301c0417322e31362e3834302e312e3131333733302e332e342e320101ff',
    );
    const { data } = await exchange(fixture.port, Buffer.concat([bind, d4]));
    expect(data.includes(dnOf('jdoe'))).toBe(true);
    expect(data.subarray(-14).toString('hex')).toBe('300c02010265070a010004000400');
  });

  test('ldap 39: single octets, and a hundred messages in one segment, are both understood', async () => {
    const read = (messageId: number) =>
      encodeRequest({
        messageId,
        op: {
          op: 'searchRequest',
          baseObject: '',
          scope: 'baseObject',
          derefAliases: 0,
          sizeLimit: 0,
          timeLimit: 0,
          typesOnly: false,
          filter: parseFilter('(objectClass=*)'),
          attributes: ['1.1'],
        },
        controls: [],
      });
    const many = await exchange(fixture.port, Buffer.concat(Array.from({ length: 100 }, (_, at) => read(at + 1))));
    expect(many.data.toString('hex').match(/65070a010004000400/g)).toHaveLength(100);
    const slowly = await new Promise<Buffer>((resolve) => {
      const socket = connect(fixture.port, '127.0.0.1', async () => {
        socket.setNoDelay(true);
        for (const octet of read(7)) {
          socket.write(Buffer.from([octet]));
          await new Promise((next) => setImmediate(next));
        }
      });
      socket.once('data', (data) => {
        socket.destroy();
        resolve(data);
      });
    });
    expect(slowly.length).toBeGreaterThan(10);
  });

  test('ldap 40: unbind closes without an answer, abandon does neither', async () => {
    expect(await exchange(fixture.port, hex('30050201034200'))).toEqual({ data: Buffer.alloc(0), closed: true });
    expect(await exchange(fixture.port, hex('3006020104500102'), { waitMs: 300 })).toEqual({
      data: Buffer.alloc(0),
      closed: false,
    });
  });

  test.each([0, 127, 128, 2_147_483_647])('ldap 41: message id %i comes back', async (messageId) => {
    const request = encodeRequest({
      messageId,
      op: { op: 'extendedRequest', name: '1.3.6.1.4.1.4203.1.11.3', value: undefined },
      controls: [],
    });
    const { data } = await exchange(fixture.port, request, { waitMs: 300 });
    const echoed = request.subarray(2, 4 + (request[3] ?? 0));
    expect(data.subarray(2, 2 + echoed.length)).toEqual(echoed);
  });

  test('ldap 42, core-contract 23: a session that ends in the core takes its connections with it, and no other', async () => {
    const client = await fixture.bound('katherine', direct);
    const other = await fixture.bound('svc', direct);
    const { deps } = fixture.core;
    const [user] = (await fixture.core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=katherine'))
      .results;
    await deps.sessions.endUser(user?.pk ?? 0);
    await until(async () => (await code(client.search(direct, { filter: '(cn=katherine)' }))) !== 0, 1_000);
    expect(await code(other.search(direct, { filter: '(cn=katherine)' }))).toBe(0);
  });
});
