// Recipes whose client is a program or a library: their pages are run as they stand.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runTool, skipWithout } from '../../harness/index.ts';
import { createWorkbench, labForTests, runScript } from './lab.ts';

const lab = labForTests({ AUTHENTIK_LDAP__PASSWORD_MODIFY: 'default-password-change' });

/** A script of a page in a file of its own. */
async function runFile(recipe: string, file: string, interpreter: string, folder?: string) {
  await using bench = await createWorkbench();
  const content = lab.recipe(recipe).file(file);
  const path = folder === undefined ? await bench.write(file, content) : join(folder, file);
  return await runTool(interpreter, [path], '');
}

describe.skipIf(skipWithout('ldapsearch'))('OpenLDAP tools', () => {
  test('every command of the page works', async () => {
    const outputs: string[] = [];
    for (const script of lab.recipe('openldap-tools').scripts) {
      const { code, stdout, stderr } = await runScript(script);
      expect([code, stderr.replace(/^# .*\n/gm, '')]).toEqual([0, '']);
      outputs.push(stdout);
    }
    const [root = '', who = '', user = '', controls = '', compare = '', changed = ''] = outputs;
    expect(root).toContain('namingContexts: dc=ldap,dc=goauthentik,dc=io');
    expect(who.match(/^dn:cn=jdoe,ou=users,/gm)).toHaveLength(3);
    expect(user).toContain('memberOf: cn=devs,ou=groups,dc=ldap,dc=goauthentik,dc=io');
    expect(user).toContain('dn: cn=admins,ou=groups,dc=ldap,dc=goauthentik,dc=io');
    expect(controls).toContain('sortResult: (0) Success');
    expect(controls.match(/pagedresults:/g)?.length).toBeGreaterThan(3);
    expect(compare).toContain('TRUE');
    expect(changed).toContain('dn:cn=grace,');
  });
});

describe.skipIf(skipWithout('ldbsearch'))('ldbsearch', () => {
  test('the command of the page finds the user', async () => {
    const { code, stdout } = await runScript(lab.recipe('samba').scripts[0] ?? '');
    expect(code).toBe(0);
    expect(stdout).toContain('memberOf: cn=admins,ou=groups,dc=ldap,dc=goauthentik,dc=io');
  });
});

/** Debian's own interpreter, which has the package; another one on the PATH may not. */
const python = '/usr/bin/python3';

describe.skipIf(skipWithout('python3'))('Python ldap3', () => {
  test('schema, typed values, pages, comparison, login', async () => {
    const { stdout, stderr } = await runFile('python-ldap3', 'ldap3-example.py', python);
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, 6)).toEqual([
      'schema True',
      'number True active True True',
      'paged True',
      'compare True',
      'whoami dn:cn=svc,ou=users,dc=ldap,dc=goauthentik,dc=io',
      'login True False',
    ]);
  });
});

describe.skipIf(skipWithout('php'))('PHP', () => {
  test('search, pages, comparison, login', async () => {
    const { stdout } = await runFile('php', 'ldap-example.php', 'php');
    expect(stdout.trim().split('\n')).toEqual([
      'mail jdoe@example.com groups 2',
      'paged yes',
      'member yes',
      'login yes',
      'wrong 49',
    ]);
  });
});

describe('Node', () => {
  test.each([
    ['ldapts', ['mail jdoe@example.com groups 2', 'paged true', 'member true']],
    ['ldapjs', ['paged true', 'member true']],
  ])('%s', async (recipe, expected) => {
    await using bench = await createWorkbench();
    // Modules are looked for beside the script.
    const script = lab
      .recipe(recipe)
      .file('example.mjs')
      .replace(`'${recipe}'`, `'${import.meta.resolve(recipe)}'`);
    const { code, stdout, stderr } = await runTool(process.execPath, [await bench.write('example.mjs', script)]);
    expect([code, stdout.trim().split('\n')]).toEqual([0, expected]);
    expect(stderr.replace(/\(node:.*|\(Use .*|.*DeprecationWarning.*/g, '').trim()).toBe('');
  });
});
