// SSSD and nslcd as the machine's own name services, in mount namespaces of their own so that nothing of the machine changes.
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { testPassword } from '@gatehouse/core/testing';
import { describe, expect, test } from 'vitest';
import { skipWithout, type ToolResult } from '../../harness/index.ts';
import { createWorkbench, labForTests, runScript, userPassword, type Workbench } from './lab.ts';

const lab = labForTests();

/** Whether this machine lets us have a namespace; containers often do not. */
const mayUnshare = userInfo().uid === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

/** Runs a script in a namespace where files of ours lie over the machine's. */
const inNamespace = (script: string) =>
  runScript(`unshare -m --propagation private bash -euo pipefail -s <<'SCRIPT'\n${script}\nSCRIPT`);

/**
 * SSSD in a namespace with the recipe's files over the machine's, and a script once it knows users and groups: a group is found
 * after its first enumeration; before that it stumbles over single members.
 */
async function withSssd(bench: Workbench, script: string): Promise<ToolResult> {
  const recipe = lab.recipe('sssd');
  await bench.write('etc/sssd.conf', recipe.file('sssd.conf'), 0o600);
  await bench.write('nsswitch.conf', 'passwd: files sss\ngroup: files sss\ninitgroups: files sss\nhosts: files\n');
  return inNamespace(`
cp -a /etc/pam.d ${bench.at('pam')}
cp -a /var/lib/sss ${bench.at('lib')} && mkdir -p ${bench.at('log')}
rm -f ${bench.at('lib')}/db/* ${bench.at('lib')}/mc/*
mount --bind ${bench.at('etc')} /etc/sssd
mount --bind ${bench.at('lib')} /var/lib/sss
mount --bind ${bench.at('log')} /var/log/sssd
mount --bind ${bench.at('pam')} /etc/pam.d
mount --bind ${bench.at('nsswitch.conf')} /etc/nsswitch.conf
sssd -i --logger=files >/dev/null 2>&1 </dev/null &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
for try in $(seq 400); do getent -s sss passwd jdoe >/dev/null && getent -s sss group devs >/dev/null && break || sleep 0.2; done
${script}`);
}

describe.skipIf(skipWithout('sssd') || skipWithout('pamtester') || !mayUnshare)('SSSD', () => {
  test('getent, id, groups and PAM logins', async () => {
    await using bench = await createWorkbench();
    const recipe = lab.recipe('sssd');
    await bench.write('gatehouse-test', recipe.file('pam-service'));
    const { stdout, stderr, code } = await withSssd(
      bench,
      `
cp ${bench.at('gatehouse-test')} /etc/pam.d/
${recipe.scripts.join('\n')}
echo "by number $(getent -s sss passwd "$(id -u jdoe)" | cut -d: -f1)"
echo "groups $(id -Gn jdoe)"
echo "group by number $(getent -s sss group 7001 | cut -d: -f1)"
echo "right $(echo '${userPassword}' | pamtester gatehouse-test jdoe authenticate acct_mgmt 2>&1 | tail -2 | tr '\\n' ' ')"
echo "wrong $(echo 'wrong' | pamtester gatehouse-test jdoe authenticate 2>&1 | tail -1)"
getent -s sss passwd nobody-here || echo "absent $?"
`,
    );
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(stdout).toContain('/home/jdoe:/bin/bash');
    expect(stdout).toContain('by number jdoe');
    expect(stdout).toMatch(/groups .*devs/);
    expect(stdout).toMatch(/groups .*admins/);
    expect(stdout).toContain('group by number devs');
    expect(stdout).toMatch(/right .*successfully authenticated.*account management done/);
    expect(stdout).toMatch(/wrong .*[Ff]ail/);
    expect(stdout).toContain('absent 2');
  }, 120_000);

  test.skipIf(skipWithout('sudo'))(
    'su, and sudo by groups of the directory',
    async () => {
      await using bench = await createWorkbench();
      const recipe = lab.recipe('sssd');
      await bench.write('sudoers.d/directory', recipe.file('sudoers'), 0o440);
      const { stdout, stderr, code } = await withSssd(
        bench,
        `
for place in home var/lib/pam var/cache/debconf; do
  mkdir -p ${bench.at('over')}/$place && cp -a /$place/. ${bench.at('over')}/$place/ && mount --bind ${bench.at('over')}/$place /$place
done
mount --bind ${bench.at('sudoers.d')} /etc/sudoers.d
chmod 755 ${bench.path} && chmod 755 /home
export DEBIAN_FRONTEND=noninteractive
${recipe.file('pam')}
someone() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
as() { name=$1; shift; setpriv --reuid "$(id -u "$name")" --regid "$(id -g "$name")" --init-groups "$@"; }
echo "right $(echo '${userPassword}' | someone su - jdoe -c 'id -un; pwd' 2>/dev/null | tr '\\n' ' ')"
echo "wrong $(echo 'wrong' | someone su - jdoe -c 'id -un' 2>&1 | tail -1)"
echo "off $(su old -c 'id -un' 2>&1 | tail -1)"
echo "recipe $(echo '${userPassword}' | bash -c "${recipe.file('logins').split('\n').at(-2) ?? ''}" 2>/dev/null)"
echo "member $(echo '${userPassword}' | as jdoe sudo -S -k /usr/bin/id -un 2>/dev/null)"
echo "nested $(echo '${userPassword}' | as jdoe sudo -S -k -u svc /usr/bin/whoami 2>/dev/null)"
echo "mistyped $(echo 'wrong' | as jdoe sudo -S -k /usr/bin/id -un 2>&1 | tail -1)"
echo "other $(echo '${userPassword}' | as jdoe sudo -S -k /usr/bin/env 2>&1 | tail -1)"
echo "stranger $(echo '${testPassword}' | as jane sudo -S -k /usr/bin/id -un 2>&1 | tail -1)"
`,
      );
      expect([code, stderr]).toEqual([0, expect.any(String)]);
      expect(stdout).toContain('right jdoe /home/jdoe');
      expect(stdout).toMatch(/wrong .*Authentication failure/);
      expect(stdout).toMatch(/off .*Permission denied/);
      expect(stdout).toContain('recipe root');
      expect(stdout).toContain('member root');
      expect(stdout).toContain('nested svc');
      expect(stdout).toMatch(/mistyped .*incorrect password/);
      expect(stdout).toMatch(/other .*not allowed to execute/);
      expect(stdout).toMatch(/stranger .*not in the sudoers file/);
    },
    120_000,
  );
});

describe.skipIf(skipWithout('nslcd') || !mayUnshare)('nslcd', () => {
  test('getent by name and number', async () => {
    await using bench = await createWorkbench();
    const recipe = lab.recipe('nslcd');
    await bench.write('nslcd.conf', `uid nslcd\ngid nslcd\n${recipe.file('nslcd.conf')}`, 0o640);
    const { stdout, stderr, code } = await inNamespace(`
mkdir -p ${bench.at('run')} /run/nslcd
chown nslcd ${bench.at('run')}; chgrp nslcd ${bench.at('nslcd.conf')}
touch /etc/nslcd.conf
mount --bind ${bench.at('nslcd.conf')} /etc/nslcd.conf
mount --bind ${bench.at('run')} /run/nslcd
nslcd -n >/dev/null 2>&1 </dev/null &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
for try in $(seq 150); do getent -s ldap passwd jdoe >/dev/null && break || sleep 0.2; done
${recipe.scripts.join('\n')}
number=$(getent -s ldap passwd jdoe | cut -d: -f3)
echo "by number $(getent -s ldap passwd "$number" | cut -d: -f1)"
getent -s ldap passwd nobody-here || echo "absent $?"
`);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(stdout).toMatch(/^jdoe:.*:John Doe:\/home\/jdoe:\/bin\/bash$/m);
    expect(stdout).toMatch(/^devs:.*:7001:.*jdoe/m);
    expect(stdout).toContain('by number jdoe');
    expect(stdout).toContain('absent 2');
  }, 120_000);
});
