// What the kernel is asked for (ldap.md §2.1), as strace sees it: one write for each answer, its entries and its result (only what
// takes longer than a turn of the event loop goes out a turn at a time), and Nagle's algorithm off on every connection. Nothing at
// the client's end could tell two writes from one that came in two parts.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { skipWithout, until } from '../../harness/index.ts';
import { cached, dnOf, ldapFixture, password } from './fixture.ts';
import { codeOf, searchRequest, WireClient } from './wire-client.ts';

const fixture = ldapFixture();

interface Trace extends AsyncDisposable {
  /** System calls since the trace began, a line each. */
  lines(): Promise<readonly string[]>;
}

/** Follows all threads of a process. */
async function trace(pid: number, calls: string): Promise<Trace> {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'trace');
  const strace = spawn('strace', [
    '-f',
    '-qq',
    '-yy',
    '-s',
    '0',
    '-o',
    file,
    '-e',
    `trace=${calls}`,
    '-p',
    String(pid),
  ]);
  await attached(strace, pid);
  return {
    lines: async () => (await readFile(file, 'utf8')).split('\n'),
    async [Symbol.asyncDispose]() {
      const exited = once(strace, 'exit');
      strace.kill('SIGINT');
      await exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The kernel names the tracer of each thread. @throws when strace ends before, with what it says */
async function attached(strace: ChildProcess, pid: number): Promise<void> {
  let complaint = '';
  strace.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString('utf8');
  });
  await until(async () => {
    if (strace.exitCode !== null) throw new Error(`strace: ${complaint}`);
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return !/^TracerPid:\s+0$/m.test(status);
  });
}

/** Whether this machine lets us follow a process that is no child of the tracer; containers may not. */
function mayTrace(): boolean {
  const attach = 'sleep 60 & timeout -s INT 1 strace -qq -o /dev/null -p $!; code=$?; kill $!; exit $code';
  return spawnSync('bash', ['-c', attach]).status === 124; // it would have gone on
}

describe.skipIf(skipWithout('strace') || !mayTrace())('an answer', () => {
  test('goes out in one write, with all its entries, and is not held back', async () => {
    await using traced = await trace(fixture.daemon.pid ?? 0, 'setsockopt,write,writev,sendto,sendmsg');
    using client = await WireClient.plain(fixture.port);
    const connection = `127.0.0.1:${fixture.port}->127.0.0.1:${client.socket.localPort}]`;
    const callsToClient = async () => (await traced.lines()).filter((line) => line.includes(connection));
    const writes = async () => (await callsToClient()).filter((line) => !line.includes('setsockopt('));
    const searches = ['(cn=jdoe)', '(cn=nobody)', '(cn=jane)'].map((filter) => searchRequest(cached, filter));

    expect(await client.bind(dnOf('svc', cached), password)).toBe(0);
    const answers = [];
    for (const [at, search] of searches.entries()) {
      answers.push(await client.request(search));
      // The list of the kernel's calls comes a little later than their octets.
      await until(async () => (await writes()).length >= at + 2);
      expect(await writes()).toHaveLength(at + 2);
    }
    expect(answers.map(codeOf)).toEqual([0, 0, 0]);
    expect(answers.map((messages) => messages.length)).toEqual([3, 1, 3]); // the user, the group of the same name, the result
    expect((await callsToClient()).filter((line) => /TCP_NODELAY, \[1\]/.test(line))).toHaveLength(1);
  });
});
