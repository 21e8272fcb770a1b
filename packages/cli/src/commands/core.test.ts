// The commands of the core, as a person at a terminal has them: against the private database of a stopped core.
import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createClient, createVisitor, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runGatehouse } from '../program.ts';

let core: TestCore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const { ask, logIn } = createClient(() => core);

beforeAll(async () => {
  folder = await temporaryFolder();
  core = await startTestCore();
}, 60_000);
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** The command beside the running core of the test. */
async function run(env: Record<string, string>, ...argv: string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runGatehouse(argv, {
    script: '',
    env: {
      AUTHENTIK_SECRET_KEY: 'secret key of the tests, and a long one at that',
      AUTHENTIK_DATA_DIR: core.folder,
      ...env,
    },
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
    colour: false,
    stopped: () => Promise.resolve(),
  });
  return { code, printed: printed.join(''), complained: complained.join('') };
}
const file = async (name: string, text: string) => {
  const path = join(folder.path, name);
  await writeFile(path, text);
  return path;
};

describe('recovery', () => {
  test('prints a path that logs in once', async () => {
    const { code, printed } = await run({}, 'recovery', 'margaret', '5');
    expect(code).toBe(0);
    const visitor = createVisitor(core.url);
    const path = printed.trim();
    expect(path).toMatch(/^\/recovery\/use-token\/\w{60}\/$/);
    expect((await visitor.fetch(path)).status).toBe(302);
    expect(await (await visitor.fetch('/api/v3/core/users/me/')).json()).toMatchObject({
      user: { username: 'margaret' },
    });
    expect((await createVisitor(core.url).fetch(path)).status).toBe(404);
  });

  test('somebody unknown is a complaint with what to do', async () => {
    expect(await run({}, 'recovery', 'nobody')).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/ERR_CORE_USER.*nobody/),
    });
    expect((await run({}, 'recovery')).complained).toContain('Usage: gatehouse core recovery <user>');
  });
});

describe('apply', () => {
  const blueprint =
    'entries:\n  - {model: authentik_core.group, identifiers: {name: by command}, attrs: {attributes: {a: 1}}}\n';

  test('a dry run shows the plan and changes nothing; then it is done, and done again changes nothing', async () => {
    const path = await file('group.yaml', blueprint);
    const planned = await run({}, 'apply', path, '--dry-run');
    expect(planned).toMatchObject({
      code: 0,
      printed: expect.stringContaining('+ create authentik_core.group name=by command (line 2)'),
    });
    expect(await core.call('GET', '/core/groups/?name=by%20command')).toMatchObject({ pagination: { count: 0 } });
    expect((await run({}, 'apply', path)).printed).toContain('1 of 1 entries changed something');
    expect((await run({}, 'apply', path)).printed).toContain('0 of 1 entries changed something');
  });

  test('a wrong file says where', async () => {
    const path = await file('wrong.yaml', 'entries:\n  - {model: authentik_core.user, identifiers: {username: ""}}\n');
    expect(await run({}, 'apply', path)).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/ERR_CORE_BLUEPRINT.*line 2.*username/s),
    });
    expect((await run({}, 'apply', '/no/such/file')).complained).toContain('ERR_CORE_BLUEPRINT');
  });

  test('everything comes out as one blueprint without secrets', async () => {
    const { printed } = await run({}, 'core', 'export');
    expect(printed).toContain('model: authentik_core.user');
    for (const secret of [core.adminToken, 'argon2']) expect(printed).not.toContain(secret);
  });
});

describe('users import', () => {
  const salt = randomBytes(8);
  const ssha = Buffer.concat([createHash('sha1').update('from the directory').update(salt).digest(), salt]).toString(
    'base64',
  );
  const works = async (username: string, password: string) =>
    (await (await logIn(username, password)).fetch('/api/v3/core/users/me/')).status;

  test('LDIF: people, groups in groups, hashes, numbers', async () => {
    const path = await file(
      'people.ldif',
      `version: 1

dn: uid=lise,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: posixAccount
uid: lise
cn: Lise Meitner
mail: lise@example.org
uidNumber: 4711
userPassword:: ${Buffer.from(`{SSHA}${ssha}`).toString('base64')}
description: a long line that is
  folded

dn: uid=old,ou=people,dc=example,dc=org
objectClass: person
uid: old
cn: Old Hash
userPassword: {MD5}xxxx

dn: cn=physics,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: physics
member: uid=Lise, ou=People, dc=example, dc=org

dn: cn=science,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: science
member: cn=physics,ou=groups,dc=example,dc=org
`,
    );
    const dry = await run({}, 'users', 'import', path, '--dry-run');
    expect(dry.printed).toContain('Would import 2 users and 2 groups');
    expect(await core.call('GET', '/core/users/?username=lise')).toMatchObject({ pagination: { count: 0 } });
    const { code, printed, complained } = await run({}, 'users', 'import', path);
    expect({ code, printed }).toMatchObject({
      code: 0,
      printed: expect.stringContaining('Imported 2 users and 2 groups'),
    });
    expect(complained).toContain('old: the hash of the password cannot be kept ({MD5})');
    expect(await core.call('GET', '/core/users/?username=lise')).toMatchObject({
      results: [
        {
          name: 'Lise Meitner',
          email: 'lise@example.org',
          attributes: { uidNumber: 4711, description: 'a long line that is folded' },
          groups_obj: [{ name: 'physics' }],
        },
      ],
    });
    expect(await core.call('GET', '/core/groups/?name=physics&include_parents=true')).toMatchObject({
      results: [{ parents_obj: [{ name: 'science' }] }],
    });
    expect(await works('lise', 'from the directory')).toBe(200);
    expect((await run({}, 'users', 'import', path)).printed).toContain('0 updated, 2 left as they were');
  });

  test('glauth: its SHA-256 and bcrypt hashes, groups by number', async () => {
    const hex = createHash('sha256').update('dogood').digest('hex');
    const path = await file(
      'glauth.cfg',
      `[ldap]
enabled = true
[[users]]
name = "johndoe"
givenname = "John"
sn = "Doe"
unixid = 5002
primarygroup = 5501
passsha256 = "${hex}"
[[groups]]
name = "superheros"
gidnumber = 5501
[[groups]]
name = "everyone"
gidnumber = 5500
includegroups = [5501]
`,
    );
    expect((await run({}, 'users', 'import', path)).printed).toContain('Imported 1 users and 2 groups');
    expect(await core.call('GET', '/core/users/?username=johndoe')).toMatchObject({
      results: [{ name: 'John Doe', attributes: { uidNumber: 5002 }, groups_obj: [{ name: 'superheros' }] }],
    });
    expect(await works('johndoe', 'dogood')).toBe(200);
  });

  test('CSV: quotes, groups and attributes; one wrong line imports nothing', async () => {
    const table =
      'username,name,email,groups,attributes.room\n"maria","Maria ""the first"" Goeppert",maria@example.org,"physics;prize",12\n';
    expect((await run({}, 'users', 'import', await file('t.csv', table))).printed).toContain(
      'Imported 1 users and 1 groups',
    );
    expect(await core.call('GET', '/core/users/?username=maria')).toMatchObject({
      results: [
        {
          name: 'Maria "the first" Goeppert',
          attributes: { room: 12 },
          groups: expect.objectContaining({ length: 2 }),
        },
      ],
    });
    const broken = await run(
      {},
      'users',
      'import',
      await file('b.csv', 'username,email\nfine,fine@example.org\nbad,not an address\n'),
    );
    expect(broken).toMatchObject({ code: 1, complained: expect.stringMatching(/ERR_CORE_IMPORT bad:.*email/) });
    expect(await core.call('GET', '/core/users/?username=fine')).toMatchObject({ pagination: { count: 0 } });
    expect((await run({}, 'users', 'import', await file('x.csv', 'name\nx\n'))).complained).toContain(
      'no column username',
    );
  });
});

describe('mail', () => {
  /** A mail server that keeps what it is given. */
  async function sink() {
    const mails: string[] = [];
    const server = createServer((socket) => {
      let data: string | undefined;
      socket.write('220 sink\r\n');
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        for (const line of chunk.toString().split('\r\n')) {
          if (data !== undefined) {
            if (line !== '.') data += `${line}\n`;
            else {
              mails.push(data);
              data = undefined;
              socket.write('250 kept\r\n');
            }
          } else if (/^DATA/i.test(line)) {
            data = '';
            socket.write('354 go on\r\n');
          } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
          else if (line !== '') socket.write('250 fine\r\n');
        }
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { port, mails, [Symbol.asyncDispose]: () => new Promise<void>((closed) => server.close(() => closed())) };
  }

  test('core mail test: the server has the mail, in HTML and in text', async () => {
    await using server = await sink();
    const env = {
      AUTHENTIK_EMAIL__HOST: '127.0.0.1',
      AUTHENTIK_EMAIL__PORT: String(server.port),
      AUTHENTIK_EMAIL__FROM: 'gatehouse@example.org',
    };
    const { code, printed } = await run(env, 'core', 'mail', 'test', 'night@example.org');
    expect({ code, printed }).toMatchObject({
      code: 0,
      printed: expect.stringContaining('took a mail to night@example.org'),
    });
    const [mail = ''] = server.mails;
    expect(mail).toMatch(/^From: gatehouse@example\.org$/m);
    expect(mail).toMatch(/^To: night@example\.org$/m);
    expect(mail).toMatch(/^Message-ID: <[-\w]+@authentik>$/m);
    expect(mail).toContain('text/plain');
    expect(mail).toContain('<h1>It works</h1>');
  });

  test('a server that is not there is a complaint with its address', async () => {
    const env = { AUTHENTIK_EMAIL__HOST: '127.0.0.1', AUTHENTIK_EMAIL__PORT: '9' };
    expect(await run(env, 'core', 'mail', 'test', 'a@example.org')).toMatchObject({
      code: 1,
      complained: expect.stringContaining('ERR_CORE_MAIL The mail server 127.0.0.1:9'),
    });
  });

  test('core 131: a mail that could not be sent is tried again, and told as sent once', async () => {
    await using server = await sink();
    await using own = await startTestCore({ mailPort: server.port });
    const values = {
      user: { username: '<ada>' },
      url: 'https://x.test/?a=1&b=2',
      expires: new Date(Date.now() + 1_800_000).toISOString(),
    };
    const task = {
      to: ['ada@example.org'],
      subject: 'Reset',
      template: 'email/password_reset.html',
      values,
      messageId: 'one@authentik',
    };
    await own.deps.database.kysely
      .insertInto('tasks')
      .values({
        actor_name: 'authentik.stages.email.tasks.send_mail',
        uid: 'mail',
        args: JSON.stringify(task),
        rel_obj_app_label: null,
        rel_obj_model: null,
        rel_obj_id: null,
        worker: null,
      })
      .execute();
    await own.worker.drain();
    await expect.poll(() => server.mails.length, { timeout: 10_000 }).toBe(1);
    expect(server.mails[0]).toContain('&lt;ada&gt;');
    expect(server.mails[0]).toContain('Message-ID: <one@authentik>');
    await expect
      .poll(
        async () => (await own.call<{ results: object[] }>('GET', '/events/events/?actions=email_sent')).results.length,
        { timeout: 10_000 },
      )
      .toBe(1);
  }, 60_000);
});

describe('backup', () => {
  test('a copy of a running installation is an installation', async () => {
    const target = join(folder.path, 'backups/first');
    const { code, printed, complained } = await run({}, 'backup', target);
    expect([code, printed]).toEqual([0, `${target}\n`]);
    expect(complained).toContain('put it back, to restore');
    expect((await stat(target)).mode & 0o077).toBe(0);
    expect(await readdir(join(folder.path, 'backups'))).toEqual(['first']);
    const restored = await run({ AUTHENTIK_DATA_DIR: target }, 'recovery', 'margaret');
    expect(restored).toMatchObject({ code: 0, printed: expect.stringContaining('/recovery/use-token/') });
  }, 60_000);

  test('nothing is replaced, nothing is left of one that fails, and a database of somebody else is refused', async () => {
    const refused = (complained: unknown) => ({ code: 1, printed: '', complained });
    expect(await run({}, 'backup', folder.path)).toEqual(refused(expect.stringContaining('is there already')));
    const elsewhere = { AUTHENTIK_POSTGRESQL__HOST: '127.0.0.1', AUTHENTIK_POSTGRESQL__PORT: '9' };
    const never = join(folder.path, 'never');
    expect(await run(elsewhere, 'backup', never)).toEqual(refused(expect.stringContaining('pg_dump')));
    expect(await run({}, 'backup', join(core.folder, 'inside'))).toEqual(
      refused(expect.stringContaining('in the data folder itself')),
    );
    await writeFile(join(folder.path, 'file'), '');
    expect(await run({}, 'backup', join(folder.path, 'file/below'))).toEqual(
      refused(expect.stringContaining('No backup was made: EEXIST')),
    );
    expect((await readdir(folder.path)).filter((name) => name.includes('never') || name.includes('partial'))).toEqual(
      [],
    );
    expect((await run({}, 'backup')).complained).toContain('Usage: gatehouse core backup <folder>');
  });
});

describe('doctor', () => {
  test('says what is well and what is not', async () => {
    const { printed } = await run({}, 'doctor');
    expect(printed).toContain('ok     PostgreSQL');
    expect(printed).toContain('ok     Somebody can administrate');
    expect(printed).toContain('remark The outpost');
    expect(printed).toContain('remark No mail server is set');
    const broken = await run({ AUTHENTIK_EMAIL__HOST: '127.0.0.1', AUTHENTIK_EMAIL__PORT: '9' }, 'doctor');
    expect(broken).toMatchObject({ code: 1, printed: expect.stringMatching(/WRONG {2}.*127\.0\.0\.1:9/) });
    expect(
      await run({ AUTHENTIK_POSTGRESQL__HOST: '127.0.0.1', AUTHENTIK_POSTGRESQL__PORT: '9' }, 'doctor'),
    ).toMatchObject({
      code: 1,
      printed: expect.stringContaining('WRONG  Database'),
    });
  });

  test('the API still answers: commands work beside a running core', async () => {
    expect((await ask('GET', '/core/users/me/')).status).toBe(200);
  });
});
