// ldap.md §18 against the built daemons: a core on a real PostgreSQL, the LDAP outpost as its own process, `ldapts` and raw
// sockets as clients.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  decodeResponse,
  encodeRequest,
  type Filter,
  MessageFramer,
  parseFilter,
  type ResponseOp,
} from '@gatehouse/wire/ldap';
import { Attribute, Change, Client, Control } from 'ldapts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../harness/index.ts';
import { bases, cached, direct, dnOf, type LdapFixture, password, startLdapFixture } from './fixture.ts';

let fixture: LdapFixture;
beforeAll(async () => {
  fixture = await startLdapFixture();
}, 120_000);
afterAll(() => fixture[Symbol.asyncDispose]());

const code = (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => 0,
    (error: { code?: number }) => error.code ?? -1,
  );
const bindCode = (dn: string, secret: string) => code(fixture.client().bind(dn, secret));

type Scope = 'base' | 'one' | 'sub' | 'children';
interface Options {
  readonly scope?: Scope;
  readonly attributes?: string[];
  readonly sizeLimit?: number;
  readonly returnAttributeValues?: boolean;
}

async function find(client: Client, base: string, filter: string, options: Options = {}) {
  const { searchEntries } = await client.search(base, { scope: 'sub', filter, ...options });
  return searchEntries;
}
const names = async (client: Client, base: string, filter: string, options: Options = {}) =>
  (await find(client, base, filter, options)).map(({ dn }) => dn);
const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)];

/** Sends octets, gives back everything that came until the other side closed or nothing came for a moment. */
function exchange(
  octets: Buffer,
  options: { readonly waitMs?: number } = {},
): Promise<{ data: Buffer; closed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(fixture.port, '127.0.0.1', () => socket.write(octets));
    const parts: Buffer[] = [];
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ data: Buffer.concat(parts), closed });
    };
    const timer = setTimeout(() => finish(false), options.waitMs ?? 1_000);
    socket.on('data', (chunk) => parts.push(chunk));
    socket.on('close', () => finish(true));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? finish(true) : reject(error)));
  });
}
/** Bind and search in one segment, with our own codec: for what client libraries smooth over. */
async function rawSearch(
  base: string,
  filter: Filter,
  options: { sizeLimit?: number; attributes?: string[] } = {},
): Promise<ResponseOp[]> {
  const bind = encodeRequest({
    messageId: 1,
    op: {
      op: 'bindRequest',
      version: 3,
      name: dnOf('svc', base),
      authentication: { kind: 'simple', password: Buffer.from(password) },
    },
    controls: [],
  });
  const search = encodeRequest({
    messageId: 2,
    op: {
      op: 'searchRequest',
      baseObject: base,
      scope: 'wholeSubtree',
      derefAliases: 0,
      sizeLimit: options.sizeLimit ?? 0,
      timeLimit: 0,
      typesOnly: false,
      filter,
      attributes: options.attributes ?? [],
    },
    controls: [],
  });
  const framer = new MessageFramer();
  framer.push((await exchange(Buffer.concat([bind, search]), { waitMs: 1_500 })).data);
  const answers: ResponseOp[] = [];
  for (let bytes = framer.next(1_000_000); bytes !== undefined; bytes = framer.next(1_000_000))
    answers.push(decodeResponse(bytes, { maxBytes: 1_000_000, maxDepth: 10, maxFilterNodes: 10 }).op);
  return answers.slice(1);
}
const codeOf = (answers: readonly ResponseOp[]) => {
  const last = answers.at(-1);
  return last !== undefined && 'resultCode' in last ? last.resultCode : -1;
};
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('bind', () => {
  test('ldap 1: the right password is success, without texts', async () => {
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
    const { data } = await exchange(bind);
    expect(data.toString('hex')).toBe('300c02010161070a010004000400');
  });

  test.each(bases)('ldap 2, 3, 10: other spellings of the DN bind the same user (%s)', async (base) => {
    expect(await bindCode(dnOf('jdoe', base).toUpperCase(), password)).toBe(0);
    expect(await bindCode(`cn=jdoe,${base}`, password)).toBe(0);
    expect(await bindCode(`cn=jdoe,ou=groups,${base}`, password)).toBe(0);
    expect(await bindCode(dnOf('jdoe', base).replaceAll(',', ', '), password)).toBe(0);
  });

  test('ldap 4, 5: a DN without cn, or below no base, is 50 and leaves the connection open', async () => {
    const client = fixture.client();
    expect(await code(client.bind(`uid=jdoe,ou=users,${cached}`, password))).toBe(50);
    expect(await code(client.bind('cn=jdoe,dc=elsewhere', password))).toBe(50);
    expect(await code(client.bind(dnOf('jdoe'), password))).toBe(0);
  });

  test.each(bases)('ldap 6: a wrong password and an unknown user are 49 (%s)', async (base) => {
    expect(await bindCode(dnOf('jdoe', base), 'wrong')).toBe(49);
    expect(await bindCode(dnOf('nobody', base), password)).toBe(49);
    expect(await bindCode(dnOf('old', base), password)).toBe(49);
  });

  test('ldap 7: an anonymous bind is success', async () => {
    expect(await bindCode('', '')).toBe(0);
  });

  test('ldap 8: a DN with an empty password is 53, and the core is not asked', async () => {
    const before = fixture.gate.calls.length;
    const { data } = await exchange(
      encodeRequest({
        messageId: 1,
        op: {
          op: 'bindRequest',
          version: 3,
          name: dnOf('jdoe'),
          authentication: { kind: 'simple', password: Buffer.alloc(0) },
        },
        controls: [],
      }),
    );
    expect(data.subarray(7, 10).toString('hex')).toBe('0a0135');
    expect(fixture.gate.calls.slice(before).filter(({ path }) => path.includes('/flows/'))).toEqual([]);
  });

  test('ldap 9: LDAP version 2 is a protocol error', async () => {
    const { data } = await exchange(hex('30 0c 02 01 01 60 07 02 01 02 04 00 80 00'));
    expect(data.subarray(7, 10).toString('hex')).toBe('0a0102');
  });

  test.each(bases)('ldap 11: a comma in the name is escaped, in and out (%s)', async (base) => {
    const dn = dnOf("o'neil, pat", base);
    const client = await fixture.bound("o'neil, pat", base);
    expect(await names(client, dn, '(objectClass=user)', { scope: 'base' })).toEqual([dn]);
    expect(await bindCode(`cn=o'neil, pat,ou=users,${base}`, password)).toBe(0);
  });

  test('ldap 18: two stages and the login take seven calls of the core', async () => {
    const before = fixture.gate.calls.length;
    await fixture.bound('jane', direct);
    const made = fixture.gate.calls.slice(before).map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`);
    expect(made).toEqual([
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'POST /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'POST /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/flows/executor/default-authentication-flow/',
      'GET /api/v3/core/users/me/',
      expect.stringMatching(/^GET \/api\/v3\/outposts\/ldap\/\d+\/check_access\/$/),
    ]);
  });

  test('ldap 20, flow-executor 20: an application that does not let the user in is 50', async () => {
    const application = await fixture.core.call<{ pk: string }>('GET', '/core/applications/direct/');
    const group = await fixture.core.call<{ pk: string }>('POST', '/core/groups/', { name: 'nobody at all' });
    const binding = await fixture.core.call<{ pk: string }>('POST', '/policies/bindings/', {
      target: application.pk,
      group: group.pk,
      order: 0,
    });
    expect(await bindCode(dnOf('jdoe', direct), password)).toBe(50);
    await fixture.core.call('DELETE', `/policies/bindings/${binding.pk}/`);
    expect(await bindCode(dnOf('jdoe', direct), password)).toBe(0);
  });

  test.each([404, 403, 500, 502])(
    'ldap 21, flow-executor 20: an access check that answers %i is 52',
    async (status) => {
      const heal = fixture.gate.spoil(/check_access/, { kind: 'status', status });
      expect(await bindCode(dnOf('jane', direct), password)).toBe(52);
      heal();
    },
  );

  test('ldap 22, 23, flow-executor 21: trouble of the core is 52 for whoever is not remembered, and never 0', async () => {
    for (const fault of [{ kind: 'status', status: 500 }, { kind: 'status', status: 404 }, { kind: 'cut' }] as const) {
      const heal = fixture.gate.spoil(/./, fault);
      expect(await bindCode(dnOf('grace'), password)).toBe(52);
      heal();
    }
    expect(await bindCode(dnOf('grace'), 'wrong')).toBe(49);
  });

  test('ldap 24: an equal bind in cached mode does not ask again; another password does', async () => {
    await fixture.bound('alan');
    const before = fixture.gate.calls.length;
    await fixture.bound('alan');
    expect(fixture.gate.calls.length).toBe(before);
    expect(await bindCode(dnOf('alan'), 'wrong')).toBe(49);
    expect(fixture.gate.calls.length).toBeGreaterThan(before);
  });

  test('ldap 25: a password that becomes right is accepted at once', async () => {
    const fresh = 'another long password';
    expect(await bindCode(dnOf('hedy'), fresh)).toBe(49);
    const [user] = (await fixture.core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=hedy'))
      .results;
    await fixture.core.call('POST', `/core/users/${user?.pk}/set_password/`, { password: fresh });
    expect(await bindCode(dnOf('hedy'), fresh)).toBe(0);
  });

  test('ldap 27: a deactivated user is refused within a second, remembered or not', async () => {
    await fixture.bound('tim');
    const [user] = (await fixture.core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=tim')).results;
    await fixture.core.call('PATCH', `/core/users/${user?.pk}/`, { is_active: false });
    await until(async () => (await bindCode(dnOf('tim'), password)) === 49, 1_000);
  });

  test('ldap 28: fifty equal binds at a time run one flow', async () => {
    const before = fixture.gate.calls.length;
    const codes = await Promise.all(Array.from({ length: 50 }, () => bindCode(dnOf('radia'), password)));
    expect(new Set(codes)).toEqual(new Set([0]));
    const logins = fixture.gate.calls.slice(before).filter(({ path }) => path.includes('check_access'));
    expect(logins).toHaveLength(1);
  });

  test('ldap 29: a failed bind leaves the connection anonymous', async () => {
    const client = await fixture.bound('svc');
    expect(await code(client.bind(dnOf('svc'), 'wrong'))).toBe(49);
    expect(await code(client.search(cached, { filter: '(cn=jdoe)' }))).toBe(50);
  });

  test('ldap 30: the core hears the address of the client', async () => {
    const before = fixture.gate.calls.length;
    await bindCode(dnOf('jane', direct), 'wrong');
    const heard = fixture.gate.calls.slice(before).map(({ headers }) => headers['x-authentik-remote-ip']);
    expect(new Set(heard)).toEqual(new Set(['127.0.0.1']));
  });

  test('ldap 31: unknown SASL mechanisms are 7', async () => {
    const { data } = await exchange(
      encodeRequest({
        messageId: 1,
        op: {
          op: 'bindRequest',
          version: 3,
          name: '',
          authentication: { kind: 'sasl', mechanism: 'X-NOTHING', credentials: undefined },
        },
        controls: [],
      }),
    );
    expect(data.subarray(data.indexOf(0x0a), data.indexOf(0x0a) + 3).toString('hex')).toBe('0a0107');
  });

  test('ldap 94: binds with random names leave nothing behind', async () => {
    const codes = await Promise.all(Array.from({ length: 200 }, (_, at) => bindCode(`cn=x,dc=random-${at}`, 'x')));
    expect(new Set(codes)).toEqual(new Set([50]));
  });
});

describe('transport', () => {
  test('ldap 32: StartTLS works once; a second one is operationsError', async () => {
    const client = fixture.client();
    await client.startTLS({ rejectUnauthorized: false });
    expect(await code(client.bind(dnOf('jdoe'), password))).toBe(0);
    expect(await code(client.exop('1.3.6.1.4.1.1466.20037'))).toBe(1);
  });

  test('ldap 33: octets behind StartTLS in one segment end the connection uninterpreted', async () => {
    const startTls = hex('301d02010177188016312e332e362e312e342e312e313436362e3230303337');
    const { data, closed } = await exchange(Buffer.concat([startTls, hex('300c020101600702010304008000')]));
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
    const { closed, data } = await exchange(hex(octets), { waitMs: 3_000 });
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
    const { closed } = await exchange(long(0x30, Buffer.concat([hex('020102'), long(0x63, body)])), { waitMs: 3_000 });
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
    const { data } = await exchange(Buffer.concat([bind, d4]));
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
    const many = await exchange(Buffer.concat(Array.from({ length: 100 }, (_, at) => read(at + 1))));
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
    expect(await exchange(hex('30050201034200'))).toEqual({ data: Buffer.alloc(0), closed: true });
    expect(await exchange(hex('3006020104500102'), { waitMs: 300 })).toEqual({ data: Buffer.alloc(0), closed: false });
  });

  test.each([0, 127, 128, 2_147_483_647])('ldap 41: message id %i comes back', async (messageId) => {
    const request = encodeRequest({
      messageId,
      op: { op: 'extendedRequest', name: '1.3.6.1.4.1.4203.1.11.3', value: undefined },
      controls: [],
    });
    const { data } = await exchange(request, { waitMs: 300 });
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

describe('root DSE and schema', () => {
  test('ldap 43: anybody may read the root DSE', async () => {
    const [root] = await find(fixture.client(), '', '(objectClass=*)', { scope: 'base' });
    expect(root).toMatchObject({ dn: '', subschemaSubentry: 'cn=subschema' });
    expect(list(root?.['namingContexts']).sort()).toEqual([direct, cached].sort());
  });

  test('ldap 44, 45: a bound client sees its own base; 1.1 asks for no attribute', async () => {
    const client = await fixture.bound('jdoe');
    const [root] = await find(client, '', '(objectClass=*)', { scope: 'base' });
    expect(root).toMatchObject({ namingContexts: cached, vendorName: 'goauthentik.io', supportedLDAPVersion: '3' });
    expect(list(root?.['supportedCapabilities'])).toHaveLength(9);
    const [bare] = await rawSearch(cached, parseFilter('(cn=jdoe)'), { attributes: ['1.1'] });
    expect(bare).toMatchObject({ op: 'searchResultEntry', attributes: [] });
  });

  test('ldap 46: the subschema defines every attribute that is sent', async () => {
    const client = await fixture.bound('svc');
    const [schema] = await find(client, 'cn=subschema', '(objectClass=subschema)', { scope: 'base' });
    const defined = new Set(
      list(schema?.['attributeTypes']).map((text) => /NAME '([^']+)'/.exec(text)?.[1]?.toLowerCase()),
    );
    expect(list(schema?.['objectClasses']).some((text) => text.includes("'goauthentik.io/ldap/user'"))).toBe(true);
    const sent = (await find(client, cached, '(objectClass=*)', { attributes: ['*', '+'] })).flatMap((entry) =>
      Object.keys(entry),
    );
    expect(
      [...new Set(sent)].filter((name) => !['dn', '*', '+'].includes(name) && !defined.has(name.toLowerCase())),
    ).toEqual([]);
  });

  test('ldap 47: the base has its configured case', async () => {
    const client = await fixture.bound('jdoe');
    expect(await names(client, cached, '(objectClass=*)', { scope: 'base' })).toEqual(['DC=ldap,DC=goauthentik,DC=io']);
  });
});

describe.each(bases)('entries below %s', (base) => {
  let svc: Client;
  beforeAll(async () => {
    svc = await fixture.bound('svc', base);
  });
  const entry = async (dn: string, attributes: string[] = []) =>
    (await find(svc, dn, '(objectClass=*)', { scope: 'base', attributes }))[0];

  test('ldap 48: one level below the base are exactly three containers', async () => {
    expect(await names(svc, base, '(objectClass=*)', { scope: 'one' })).toEqual(
      ['users', 'groups', 'virtual-groups'].map((ou) => `ou=${ou},${base}`),
    );
  });

  test('ldap 49: everybody is below ou=Users, however it is spelt', async () => {
    const found = await names(svc, `ou=Users,${base.replace('dc', 'DC')}`, '(objectClass=user)');
    expect(found).toContain(dnOf('jdoe', base));
    expect(found).toContain(dnOf('old', base));
    expect(found.every((dn) => dn.endsWith(`,ou=users,${base}`))).toBe(true);
  });

  test('ldap 50, 51, 53: a user', async () => {
    const number = String(2000 + (fixture.pks.get('jdoe') ?? 0));
    const user = await entry(dnOf('jdoe', base));
    expect(user).toMatchObject({
      objectClass: [
        'top',
        'person',
        'organizationalPerson',
        'inetOrgPerson',
        'user',
        'posixAccount',
        'goauthentik.io/ldap/user',
      ],
      cn: 'jdoe',
      sAMAccountName: 'jdoe',
      uidNumber: number,
      gidNumber: number,
      homeDirectory: '/home/jdoe',
      uid: expect.stringMatching(/^[0-9a-f]{64}$/),
      'ak-superuser': 'TRUE',
      'ak-active': 'TRUE',
      mail: 'jdoe@example.com',
      createTimestamp: expect.stringMatching(/^\d{14}Z$/),
    });
    expect(list(user?.['memberOf']).sort()).toEqual([`cn=admins,ou=groups,${base}`, `cn=devs,ou=groups,${base}`]);
    expect(list((await entry(dnOf('jane', base), ['memberOf']))?.['memberOf'])).toEqual([]);
  });

  test('ldap 52: a user without e-mail has one empty value', async () => {
    expect((await entry(dnOf('jane', base)))?.['mail']).toBe('');
  });

  test('ldap 54, 55: groups, their numbers, members and parents', async () => {
    const admins = await entry(`cn=admins,ou=groups,${base}`);
    const devs = await entry(`cn=devs,ou=groups,${base}`);
    expect(devs).toMatchObject({ gidNumber: '7001', memberOf: `cn=admins,ou=groups,${base}`, 'ak-superuser': 'false' });
    expect(admins?.['gidNumber']).toBe(String(4000 + (fixture.groups.get('admins')?.num_pk ?? 0)));
    expect(admins?.['member']).toEqual([dnOf('jdoe', base), `cn=devs,ou=groups,${base}`]);
  });

  test('ldap 56: a virtual group', async () => {
    expect(await entry(`cn=jdoe,ou=virtual-groups,${base}`)).toMatchObject({
      gidNumber: String(2000 + (fixture.pks.get('jdoe') ?? 0)),
      member: dnOf('jdoe', base),
    });
  });

  test('ldap 57: posixGroup means real groups, group means both', async () => {
    const kinds = async (filter: string) =>
      new Set((await names(svc, base, filter)).map((dn) => /ou=([^,]+)/.exec(dn)?.[1]));
    expect(await kinds('(objectClass=posixGroup)')).toEqual(new Set(['groups']));
    expect(await kinds('(objectClass=group)')).toEqual(new Set(['groups', 'virtual-groups']));
  });

  test('ldap 58–61: custom attributes', async () => {
    const pat = await entry(dnOf("o'neil, pat", base));
    expect(pat).toMatchObject({
      'ab-c': 'true',
      list: ['1', 'x'],
      mapping: 'map[foo:bar]',
      homeDirectory: "/srv/o'neil, pat",
      percent: '100%',
      uidNumber: '5001',
      gidNumber: '5001',
      memberOf: `cn=devs,ou=groups,${base}`,
    });
    expect(await entry(`cn=o'neil\\, pat,ou=virtual-groups,${base}`)).toMatchObject({ gidNumber: '5001' });
  });

  test('ldap 62: who may not search sees himself only', async () => {
    const jane = await fixture.bound('jane', base);
    expect(await names(jane, base, '(objectClass=user)')).toEqual([dnOf('jane', base)]);
    expect(await names(jane, base, '(objectClass=group)')).toEqual([`cn=jane,ou=virtual-groups,${base}`]);
    const hidden = await code(jane.search(dnOf('jdoe', base), { scope: 'base', filter: '(objectClass=*)' }));
    const missing = await code(jane.search(dnOf('nobody', base), { scope: 'base', filter: '(objectClass=*)' }));
    expect([hidden, missing]).toEqual([32, 32]);
  });

  test('ldap 63: of his groups he sees himself as the only member', async () => {
    const radia = await fixture.bound('radia', base);
    const [operations] = await find(radia, base, '(cn=operations)');
    expect(list(operations?.['member'])).toEqual([dnOf('radia', base)]);
    expect(operations?.['memberOf']).toBe(`cn=engineering,ou=groups,${base}`);
  });

  test('ldap 64: a search without a bind is 50, and the connection goes on', async () => {
    const client = fixture.client();
    expect(await code(client.search(base, { filter: '(cn=jdoe)' }))).toBe(50);
    expect(await code(client.bind(dnOf('jdoe', base), password))).toBe(0);
  });

  test('ldap 65: another base is closed to this bind', async () => {
    const foreign = base === cached ? direct : cached;
    expect(await code(svc.search(foreign, { filter: '(objectClass=*)' }))).toBe(50);
    expect(await code(svc.search('dc=elsewhere', { filter: '(objectClass=*)' }))).toBe(32);
  });

  test('ldap 66: a missing user is noSuchObject below what exists', async () => {
    const work = svc.search(dnOf('nobody', base), { scope: 'base', filter: '(objectClass=*)' });
    await expect(work).rejects.toMatchObject({ code: 32 });
  });

  test('ldap 67, 68: selectors match without case, also several in one', async () => {
    const [user] = await find(svc, dnOf('jdoe', base), '(objectClass=*)', {
      scope: 'base',
      attributes: ['CN', 'memberof'],
    });
    expect(Object.keys(user ?? {}).sort()).toEqual(['cn', 'dn', 'memberOf']);
    const [both] = await find(svc, dnOf('jdoe', base), '(objectClass=*)', { scope: 'base', attributes: ['cn,mail'] });
    expect(both).toMatchObject({ cn: 'jdoe', mail: 'jdoe@example.com' });
  });

  test('ldap 69: typesOnly sends no values', async () => {
    const [user] = await find(svc, dnOf('jdoe', base), '(objectClass=*)', {
      scope: 'base',
      attributes: ['cn'],
      returnAttributeValues: false,
    });
    expect(user?.['cn']).toEqual([]);
  });

  test('ldap 70: more matches than wanted are sizeLimitExceeded, exactly as many are not', async () => {
    const filter = parseFilter('(|(cn=jdoe)(cn=jane))');
    const tooMany = await rawSearch(base, filter, { sizeLimit: 2 });
    expect([tooMany.length, codeOf(tooMany)]).toEqual([3, 4]);
    const enough = await rawSearch(base, filter, { sizeLimit: 4 });
    expect([enough.length, codeOf(enough)]).toEqual([5, 0]);
  });
});

describe.each(bases)('filters below %s', (base) => {
  let svc: Client;
  beforeAll(async () => {
    svc = await fixture.bound('svc', base);
  });
  const users = async (filter: string) =>
    (await names(svc, `ou=users,${base}`, filter)).map((dn) => /cn=((?:\\.|[^,])+)/.exec(dn)?.[1]);

  test.each([
    ['ldap 71', '(cn=JDOE)', ['jdoe']],
    ['ldap 72', '(displayName=J*n*e)', ['jane', 'jdoe']],
    ['ldap 72', '(displayName=J*x*e)', []],
    ['ldap 73', '(cn=a\\29b)', []],
    ['ldap 73', '(cn=\\2a)', []],
    ['ldap 73', '(cn=)', []],
    ['ldap 77', '(cn~=J D O E)', ['jdoe']],
    ['ldap 77', '(&(modifyTimestamp>=20000101000000Z)(cn=jdoe))', ['jdoe']],
    ['ldap 77', '(&(uidNumber<=1)(cn=*))', []],
    ['ldap 82', '(objectClass=sambaSamAccount)', []],
    ['RFC 4511', '(cn:caseExactMatch:=JDOE)', []],
    ['RFC 4511', '(cn:2.5.13.2:=JDOE)', ['jdoe']],
    ['RFC 4511', '(&(cn=jdoe)(ou:dn:=users))', ['jdoe']],
  ])('%s: %s', async (_case, filter, expected) => {
    expect((await users(filter)).sort()).toEqual(expected);
  });

  test('ldap 74: users and groups together', async () => {
    const found = await names(svc, base, '(|(objectClass=user)(objectClass=group))');
    expect(found).toContain(dnOf('jdoe', base));
    expect(found).toContain(`cn=devs,ou=groups,${base}`);
  });

  test('ldap 75: not a group', async () => {
    const found = await names(svc, base, '(!(objectClass=group))');
    expect(found).toContain(`ou=users,${base}`);
    expect(found).toContain(dnOf('jdoe', base));
    expect(found).not.toContain(`cn=devs,ou=groups,${base}`);
  });

  test('ldap 76: members of a group that does not exist are nobody', async () => {
    expect(await users(`(memberOf=cn=nope,ou=groups,${base})`)).toEqual([]);
  });

  test('ldap 78: in-chain membership', async () => {
    const filter = `(memberOf:1.2.840.113556.1.4.1941:=cn=admins,ou=groups,${base})`;
    expect((await users(filter)).sort()).toEqual(['jdoe', "o'neil\\, pat"]);
  });

  test('ldap 79: (&) is everything, (|) nothing', async () => {
    const everything = await rawSearch(base, { kind: 'and', filters: [] });
    const nothing = await rawSearch(base, { kind: 'or', filters: [] });
    expect(everything.length).toBeGreaterThan(20);
    expect([nothing.length, codeOf(nothing)]).toEqual([1, 0]);
  });

  test('ldap 80: a group by its child', async () => {
    expect(await names(svc, base, `(member=cn=devs,ou=groups,${base})`)).toEqual([`cn=admins,ou=groups,${base}`]);
  });

  test('ldap 81: DN-valued assertions may be spelt otherwise', async () => {
    expect(await names(svc, `ou=groups,${base}`, `(member=CN=jdoe, OU=users,${base})`)).toEqual([
      `cn=admins,ou=groups,${base}`,
      `cn=devs,ou=groups,${base}`,
    ]);
  });
});

describe.each(bases)('operations below %s', (base) => {
  test('ldap 83: pages hold every entry once', async () => {
    const svc = await fixture.bound('svc', base);
    const whole = await names(svc, `ou=users,${base}`, '(objectClass=user)');
    const paged: string[] = [];
    for await (const { searchEntries } of svc.searchPaginated(`ou=users,${base}`, {
      scope: 'sub',
      filter: '(objectClass=user)',
      paged: { pageSize: 2 },
    })) {
      expect(searchEntries.length).toBeLessThanOrEqual(2);
      paged.push(...searchEntries.map(({ dn }) => dn));
    }
    expect(paged).toEqual(whole);
  });

  test('ldap 84: an unknown control stops the operation only if it is critical', async () => {
    const svc = await fixture.bound('svc', base);
    const search = (critical: boolean) =>
      code(svc.search(base, { filter: '(cn=jdoe)' }, new Control('1.2.3.4', { critical })));
    expect([await search(true), await search(false)]).toEqual([12, 0]);
  });

  test('ldap 85: compare', async () => {
    const svc = await fixture.bound('svc', base);
    const devs = `cn=devs,ou=groups,${base}`;
    expect(await svc.compare(devs, 'member', dnOf('jdoe', base))).toBe(true);
    expect(await svc.compare(devs, 'member', dnOf('jane', base))).toBe(false);
    expect(await code(svc.compare(`cn=nope,ou=groups,${base}`, 'member', 'x'))).toBe(32);
    expect(await code(svc.compare(devs, 'loginShell', 'x'))).toBe(16);
  });

  test('ldap 86: Who am I?', async () => {
    const client = await fixture.bound('jdoe', base);
    expect((await client.exop('1.3.6.1.4.1.4203.1.11.3')).value).toBe(`dn:${dnOf('jdoe', base)}`);
    expect((await fixture.client().exop('1.3.6.1.4.1.4203.1.11.3')).value ?? '').toBe('');
  });

  test('ldap 87: the directory is read-only', async () => {
    const client = await fixture.bound('jdoe', base);
    const dn = dnOf('jdoe', base);
    expect(await code(client.add(dn, { cn: 'jdoe' }))).toBe(50);
    expect(
      await code(
        client.modify(
          dn,
          new Change({ operation: 'replace', modification: new Attribute({ type: 'cn', values: ['x'] }) }),
        ),
      ),
    ).toBe(50);
    expect(await code(client.del(dn))).toBe(50);
    expect(await code(client.modifyDN(dn, 'cn=x'))).toBe(50);
    expect(await names(client, dn, '(objectClass=*)', { scope: 'base' })).toEqual([dn]);
  });

  test('ldap 88: an unknown extended operation is a protocol error', async () => {
    expect(await code((await fixture.bound('jdoe', base)).exop('1.2.3.4.5'))).toBe(2);
  });

  test('ldap 89: answers of two searches at a time belong to their own', async () => {
    const svc = await fixture.bound('svc', base);
    const [all, one] = await Promise.all([
      names(svc, base, '(objectClass=*)'),
      names(svc, dnOf('jdoe', base), '(cn=jdoe)', { scope: 'base' }),
    ]);
    expect(all.length).toBeGreaterThan(20);
    expect(one).toEqual([dnOf('jdoe', base)]);
  });
});

describe('life', () => {
  test('ldap 90: a refresh that fails leaves the directory in service', async () => {
    const svc = await fixture.bound('svc');
    const before = await names(svc, cached, '(objectClass=*)');
    const rows = /GET \/api\/v3\/(?:core\/(?:users|groups)|outposts\/sync)\//;
    const heal = fixture.gate.spoil(rows, { kind: 'status', status: 500 });
    const calls = fixture.gate.calls.length;
    process.kill(fixture.daemon.pid ?? 0, 'SIGUSR1');
    await until(() => fixture.gate.calls.slice(calls).some(({ method, path }) => rows.test(`${method} ${path}`)));
    expect(await names(svc, cached, '(objectClass=*)')).toEqual(before);
    heal();
  });

  test('ldap 92: metrics under the contract names', async () => {
    await bindCode('cn=x,dc=nowhere', 'x');
    for (const username of ['alan', 'alan', 'svc']) await fixture.bound(username);
    await (await fixture.bound('alan')).unbind();
    await until(() => fixture.daemon.lines.some(({ event }) => event === 'Unbind request'));
    const { host, port } = fixture.daemon.bound('metrics');
    const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
    for (const name of [
      'authentik_outpost_ldap_request_duration_seconds',
      'authentik_outpost_flow_timing_get_seconds',
      'authentik_outpost_connection',
      'authentik_outpost_info',
      'authentik_outpost_last_update',
      'authentik_outpost_ldap_connections{component="ldap",tls="false",bound="true"}',
      'authentik_outpost_ldap_bytes_total{direction="out"}',
      'authentik_outpost_ldap_bind_cache_total{result="hit"}',
      'authentik_outpost_ldap_directory_users',
      'authentik_outpost_ldap_directory_age_seconds',
      'authentik_outpost_ldap_results_total',
    ])
      expect(text).toContain(name);
    expect(text).toMatch(
      /authentik_outpost_ldap_requests_rejected_total\{[^}]*type="bind",reason="no_provider"[^}]*\} [1-9]/,
    );
  });

  test('ldap 95: a refused bind has one line with the true reason, whatever the client was told', async () => {
    expect(await bindCode(dnOf('jane'), 'a wrong password')).toBe(49);
    const { lines } = fixture.daemon;
    const line = await until(() =>
      lines.findLast(({ reason, bindDN }) => reason === 'invalid_credentials' && bindDN === dnOf('jane')),
    );
    expect(line).toMatchObject({
      event: 'Bind request',
      bindDN: dnOf('jane'),
      app: expect.stringMatching(/./),
      result: 'invalidCredentials',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      conn: expect.any(String),
      tls: 'no',
      error: expect.stringMatching(/./),
    });
  });

  test('ldap 95: the log tells what happened, and no password', async () => {
    const { lines } = fixture.daemon;
    const search = lines.find((line) => line['event'] === 'Search request');
    expect(Object.keys(search ?? {})).toEqual(
      expect.arrayContaining(['bindDN', 'client', 'requestId', 'took-ms', 'baseDN', 'scope', 'filter', 'attributes']),
    );
    expect(JSON.stringify(lines)).not.toContain(password);
  });
});
