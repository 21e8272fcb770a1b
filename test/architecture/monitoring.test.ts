// The alerts in docker/monitoring: they name metrics that exist, and are raised by what they are for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runTool, skipWithout, startDaemon } from '../harness/index.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'docker/monitoring');
const rules = readFileSync(join(folder, 'gatehouse.rules.yml'), 'utf8');

const nowhere = 'http://127.0.0.1:9';
const outpost = { AUTHENTIK_HOST: nowhere, AUTHENTIK_TOKEN: 'none' };
const daemons = [
  ['ldap', outpost],
  ['radius', outpost],
  ['router', { AUTHENTIK_CORE__URL: nowhere, AUTHENTIK_SECRET_KEY: 'a secret key of no importance' }],
] as const;

test('every metric of the alerts is one that a daemon has', async () => {
  const texts = daemons.map(async ([name, env]) => {
    await using daemon = await startDaemon(name, { env });
    const { host, port } = daemon.bound('metrics');
    return (await fetch(`http://${host}:${port}/metrics`)).text();
  });
  const core = readFileSync(join(root, 'packages/core/src/metrics.ts'), 'utf8');
  const known = new Set([
    ...(await Promise.all(texts)).flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)),
    ...[...core.matchAll(/name: '(\w+)'/g)].map(([, name]) => name),
  ]);
  const used = new Set([...rules.matchAll(/\bauthentik_[a-z_]+/g)].map(([name]) => name));
  expect(used.size).toBeGreaterThan(8);
  expect([...used].filter((name) => !known.has(name))).toEqual([]);
});

test.skipIf(skipWithout('promtool'))('promtool: each alert is raised by its cause, and by nothing else', async () => {
  for (const [action, file] of [
    ['check', 'gatehouse.rules.yml'],
    ['test', 'gatehouse.rules.test.yml'],
  ] as const) {
    const { code, stdout, stderr } = await runTool('promtool', [action, 'rules', join(folder, file)]);
    expect({ code, told: `${stdout}${stderr}` }).toEqual({ code: 0, told: expect.stringContaining('SUCCESS') });
  }
});
