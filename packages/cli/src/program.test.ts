// The gatehouse command line without daemons: usage, exit codes, hand-over.
import { join } from 'node:path';
import { createHealth, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { captureLogger } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { runGatehouse } from './program.ts';

describe('core-contract §1.1: command line', () => {
  for (const flag of ['--version', '-v']) {
    test(`${flag} prints the version and exits 0`, async () => {
      expect(await run(flag)).toMatchObject({ code: 0, printed: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    });
  }

  for (const flag of ['--help', '-h', 'help']) {
    test(`${flag} lists the daemons and exits 0`, async () => {
      const { code, printed } = await run(flag);
      expect(code).toBe(0);
      for (const name of ['core', 'ldap', 'radius', 'proxy', 'router', 'healthcheck']) expect(printed).toContain(name);
    });
  }

  test('an unknown flag or command is a complaint and exits 1', async () => {
    expect(await run('--nope')).toMatchObject({ code: 1, complained: expect.stringContaining('--nope') });
    expect(await run('nope')).toMatchObject({ code: 1, complained: expect.stringContaining('nope') });
  });

  test('the help of a daemon lists what it can do besides running', async () => {
    const { code, printed } = await run('radius', '--help');
    expect(code).toBe(0);
    for (const line of ['radius doctor', 'radius explain <user>', 'radius config explain', 'radius healthcheck'])
      expect(printed).toContain(`  gatehouse ${line}`);
  });

  test('an unknown word after a daemon does not run it; wrong words after a command print its usage', async () => {
    expect(await run('ldap', 'doktor')).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/ERR_CLI_USAGE.*"doktor"\.\nSee: gatehouse ldap --help/),
    });
    expect(await run('proxy', 'explain')).toEqual({
      code: 1,
      printed: '',
      complained: expect.stringContaining('Usage: gatehouse proxy explain <url>'),
    });
  });

  test('core-contract 31: healthcheck exits 1 without an instance and 0 with one', async () => {
    const env = { AUTHENTIK_INSTANCE_NAME: `cli-test-${process.pid}` };
    expect((await runWith(env, 'healthcheck')).code).toBe(1);
    await using _instance = await serveHealth({
      health: createHealth(),
      metrics: createMetrics(),
      addresses: [],
      socketPath: healthSocketPath(env.AUTHENTIK_INSTANCE_NAME),
      log: captureLogger(),
    });
    expect((await runWith(env, 'healthcheck')).code).toBe(0);
    expect((await runWith(env, 'ldap', 'healthcheck')).code).toBe(0);
  });

  test('the instance socket is in the folder for temporary files', () => {
    expect(healthSocketPath('')).toMatch(new RegExp(`${join('', 'authentik-metrics.sock')}$`));
  });
});

async function runWith(env: Readonly<Record<string, string>>, ...argv: readonly string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runGatehouse(argv, {
    script: '',
    env,
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
    colour: false,
    stopped: () => Promise.resolve(),
  });
  return { code, printed: printed.join(''), complained: complained.join('') };
}

function run(...argv: readonly string[]) {
  return runWith({}, ...argv);
}
