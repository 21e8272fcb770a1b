// Recipes whose client is a server of its own: it is started with the page's configuration, and its users log in.
import { chmod, chown } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { describe, expect, test, vi } from 'vitest';
import { direct, dnOf } from '../../conformance/ldap/fixture.ts';
import { WireClient } from '../../conformance/ldap/wire-client.ts';
import { freePort, runTool, skipWithout } from '../../harness/index.ts';
import { createWorkbench, labForTests, runScript, startServer, userPassword } from './lab.ts';

// Foreign servers take their time on a busy machine.
vi.setConfig({ testTimeout: 90_000 });

const lab = labForTests();

const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
const statusOf = async (url: string, name?: string, password = userPassword) =>
  (await fetch(url, name === undefined ? {} : { headers: { authorization: basic(name, password) } })).status;
const isRoot = userInfo().uid === 0;

describe.skipIf(skipWithout('apache2'))('Apache mod_authnz_ldap', () => {
  test('users, groups, groups in groups and attributes', async () => {
    await using bench = await createWorkbench();
    const port = await freePort();
    const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_basic', 'ldap', 'authnz_ldap', 'dir'];
    await chmod(bench.path, 0o755);
    await bench.write('root/index.html', 'hello');
    for (const folder of ['devs', 'nested', 'active']) await bench.write(`root/${folder}/index.html`, 'hello');
    const configuration = await bench.write(
      'apache.conf',
      [
        ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
        `ServerRoot ${bench.path}`,
        `Listen 127.0.0.1:${port}`,
        'ServerName localhost',
        `PidFile ${bench.at('pid')}`,
        `ErrorLog ${bench.at('error.log')}`,
        `DocumentRoot ${bench.at('root')}`,
        `DefaultRuntimeDir ${bench.path}`,
        'User www-data',
        'Group www-data',
        'DirectoryIndex index.html',
        lab.recipe('apache').file('site.conf'),
      ].join('\n'),
    );
    const site = `http://127.0.0.1:${port}`;
    await using _apache = await startServer(['apache2', '-DFOREGROUND', '-f', configuration], () => fetch(site));
    expect(await statusOf(`${site}/`)).toBe(401);
    expect(await statusOf(`${site}/`, 'jdoe', 'wrong')).toBe(401);
    expect(await statusOf(`${site}/`, 'jdoe')).toBe(200);
    for (const path of ['/devs/', '/nested/', '/active/'])
      expect([path, await statusOf(site + path, 'jdoe')]).toEqual([path, 200]);
    const { password } = lab.fixture.core;
    expect(await statusOf(`${site}/`, 'jane', password)).toBe(200);
    expect(await statusOf(`${site}/devs/`, 'jane', password)).toBe(401);
    // In devs, which is in admins: known by way of the group in the group only.
    expect(await statusOf(`${site}/nested/`, "o'neil, pat", password)).toBe(200);
  });
});

describe.skipIf(skipWithout('nginx') || skipWithout('python3'))('nginx with an auth daemon', () => {
  test('who can bind gets in', async () => {
    await using bench = await createWorkbench();
    const [port, daemonPort] = [await freePort(), await freePort()];
    const recipe = lab.recipe('nginx');
    const at = (text: string) => text.replaceAll('8888', String(daemonPort));
    const script = await bench.write('auth-daemon.py', at(recipe.file('auth-daemon.py')));
    const site = at(recipe.file('site.conf')).replace('/var/www/html', bench.at('root'));
    await bench.write('root/index.html', 'hello');
    await chmod(bench.path, 0o755);
    const configuration = await bench.write(
      'nginx.conf',
      `daemon off; pid ${bench.at('pid')}; error_log stderr; events {}
http { access_log off; client_body_temp_path ${bench.at('body')}; proxy_temp_path ${bench.at('proxy')};
fastcgi_temp_path ${bench.at('fastcgi')}; uwsgi_temp_path ${bench.at('uwsgi')}; scgi_temp_path ${bench.at('scgi')};
server { listen 127.0.0.1:${port}; ${site} } }`,
    );
    const answers = (url: string) => () => fetch(url);
    await using _daemon = await startServer(['/usr/bin/python3', script], answers(`http://127.0.0.1:${daemonPort}`));
    const url = `http://127.0.0.1:${port}/`;
    await using _nginx = await startServer(['nginx', '-p', bench.path, '-c', configuration], answers(url));
    expect(await statusOf(url)).toBe(401);
    expect(await statusOf(url, 'jdoe', 'wrong')).toBe(401);
    expect(await statusOf(url, 'jdoe')).toBe(200);
    expect(await statusOf(url, "o'neil, pat", lab.fixture.core.password)).toBe(200);
  });
});

describe.skipIf(skipWithout('dovecot') || !isRoot)('Dovecot', () => {
  const login = (port: number, name: string, password: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let heard = '';
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('utf8');
        if (heard.includes('* OK') && !heard.includes('a1 ')) socket.write(`a1 LOGIN "${name}" "${password}"\r\n`);
        const result = /^a1 (OK|NO|BAD)/m.exec(heard)?.[1];
        if (result === undefined) return;
        socket.destroy();
        resolve(result);
      });
      socket.on('error', reject).on('close', () => resolve('closed'));
    });

  test('IMAP logins by name and by e-mail address', async () => {
    await using bench = await createWorkbench();
    const port = await freePort();
    const recipe = lab.recipe('dovecot');
    const ldap = await bench.write(
      'dovecot-ldap.conf.ext',
      recipe
        .file('dovecot-ldap.conf.ext')
        .replace(/uidNumber=uid, gidNumber=gid, homeDirectory=home/, '=uid=1000, =gid=1000, =home=/tmp'),
      0o600,
    );
    await chmod(bench.path, 0o755);
    const configuration = await bench.write(
      'dovecot.conf',
      `protocols = imap
ssl = no
disable_plaintext_auth = no
base_dir = ${bench.at('run')}
state_dir = ${bench.at('state')}
log_path = /dev/stderr
mail_location = maildir:${bench.at('mail')}/%u
first_valid_uid = 1
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
${recipe.file('auth.conf').replaceAll('/etc/dovecot/dovecot-ldap.conf.ext', ldap)}`,
    );
    const isUp = () =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy()));
        socket.on('error', reject);
      });
    await using dovecot = await startServer(['dovecot', '-F', '-c', configuration], isUp);
    expect([await login(port, 'jdoe', userPassword), dovecot.output()]).toEqual(['OK', expect.any(String)]);
    expect(await login(port, 'jdoe@example.com', userPassword)).toBe('OK');
    expect(await login(port, 'jdoe', 'wrong')).toBe('NO');
    expect(await login(port, 'nobody', userPassword)).toBe('NO');
  });
});

describe.skipIf(skipWithout('freeradius') || skipWithout('radclient') || !isRoot)('FreeRADIUS rlm_ldap', () => {
  test('PAP logins of members of a group', async () => {
    await using bench = await createWorkbench();
    const port = await freePort();
    const recipe = lab.recipe('freeradius');
    await bench.write('mods-enabled/ldap', recipe.file('mods-enabled/ldap'));
    await bench.write(
      'sites-enabled/default',
      recipe.file('sites-enabled/default').replace('port = 1812', `port = ${port}`),
    );
    await bench.write('clients.conf', 'client localhost {\n  ipaddr = 127.0.0.1\n  secret = testing123\n}\n');
    await bench.write('dictionary', '$INCLUDE /usr/share/freeradius/dictionary\n');
    await bench.write(
      'radiusd.conf',
      `raddbdir = ${bench.path}
libdir = /usr/lib/freeradius
logdir = ${bench.path}
run_dir = ${bench.path}
pidfile = ${bench.at('pid')}
security {
  allow_vulnerable_openssl = yes
}
thread pool {
  start_servers = 1
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 2
}
$INCLUDE ${bench.at('clients.conf')}
modules {
  always reject {
    rcode = reject
  }
  $INCLUDE ${bench.at('mods-enabled/ldap')}
}
$INCLUDE ${bench.at('sites-enabled/default')}
`,
    );
    const ask = async (name: string, password: string) => {
      const words = `User-Name="${name}",User-Password="${password}"\n`;
      const args = ['-r', '1', '-t', '3', `127.0.0.1:${port}`, 'auth', 'testing123'];
      return /Received (\S+)/.exec((await runTool('radclient', ['-x', ...args], words)).stdout)?.[1];
    };
    const isUp = async () => {
      if ((await ask('nobody', 'x')) === undefined) throw new Error('silence');
    };
    await using _radius = await startServer(
      ['freeradius', '-f', '-l', 'stdout', '-d', bench.path, '-D', '/usr/share/freeradius'],
      isUp,
    );
    expect(await ask('jdoe', userPassword)).toBe('Access-Accept');
    expect(await ask('jdoe', 'wrong')).toBe('Access-Reject');
    expect(await ask('jane', lab.fixture.core.password)).toBe('Access-Reject');
  });
});

describe.skipIf(skipWithout('haproxy'))('HAProxy in front', () => {
  test.each([
    ['send-proxy', 'plain'],
    ['send-proxy-v2', 'plain'],
    ['send-proxy-v2', 'secure'],
  ] as const)('the core hears the address of the client that %s names, %s', async (option, layer) => {
    await using bench = await createWorkbench();
    const { fixture } = lab;
    const port = await freePort();
    const configuration = await bench.write(
      'haproxy.cfg',
      `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen ldap
  bind 127.0.0.1:${port}
  server outpost 127.0.0.1:${layer === 'plain' ? fixture.port : fixture.securePort} ${option}
`,
    );
    await using _haproxy = await startServer(['haproxy', '-db', '-f', configuration], async () => {
      using client = await WireClient.plain(port);
      client.socket.end();
    });
    const localAddress = '127.0.0.73';
    const before = fixture.gate.calls.length;
    using client = await WireClient.plain(port, localAddress);
    if (layer === 'secure') await client.startTls();
    expect(await client.bind(dnOf('jdoe', direct), 'wrong')).toBe(49);
    const heard = fixture.gate.calls.slice(before).flatMap(({ headers }) => headers['x-authentik-remote-ip'] ?? []);
    expect(new Set(heard)).toEqual(new Set([localAddress]));
  });
});

const postgresBin = '/usr/lib/postgresql/15/bin';

describe.skipIf(skipWithout('psql') || !isRoot)('PostgreSQL', () => {
  test('database logins with the password of the directory', async () => {
    await using bench = await createWorkbench();
    const port = await freePort();
    await chmod(bench.path, 0o755);
    const data = bench.at('data');
    const uid = Number((await runTool('id', ['-u', 'postgres'])).stdout);
    await runTool('install', ['-d', '-o', 'postgres', '-m', '700', data]);
    const as = (command: string) => runScript(`runuser -u postgres -- ${command}`);
    expect((await as(`${postgresBin}/initdb -D ${data} -A trust --no-sync`)).code).toBe(0);
    const hba = await bench.write('data/pg_hba.conf', lab.recipe('postgresql').file('pg_hba.conf'));
    await chown(hba, uid, uid);
    const settings = `-c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${data} -c fsync=off`;
    const local = `psql -h ${data} -p ${port} -U postgres -d postgres -tA`;
    await using _postgres = await startServer(
      ['runuser', '-u', 'postgres', '--', `${postgresBin}/postgres`, '-D', data, ...settings.split(' ')],
      async () => expect((await as(`${local} -c 'select 1'`)).code).toBe(0),
    );
    await as(`${local} -c 'create role jdoe login'`);
    const login = (password: string) =>
      runTool(
        'psql',
        ['-h', '127.0.0.1', '-p', String(port), '-U', 'jdoe', '-d', 'postgres', '-tAc', 'select current_user'],
        '',
        {
          ...process.env,
          PGPASSWORD: password,
        },
      );
    expect((await login(userPassword)).stdout.trim()).toBe('jdoe');
    expect((await login('wrong')).stderr).toContain('LDAP authentication failed');
  });
});
