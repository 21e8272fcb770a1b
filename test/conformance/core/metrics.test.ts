// What the core tells Prometheus: logins, stages, policies, tasks, requests, outposts and the database, while they happen.
import { createVisitor, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaemon, until } from '../../harness/index.ts';

let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
});
afterAll(async () => core[Symbol.asyncDispose]());

const scrape = async (headers: Record<string, string> = {}) => fetch(`${core.url}-/metrics/`, { headers });

/** Value of the one sample whose name and labels match; 0 where there is none yet. */
async function sample(pattern: RegExp): Promise<number> {
  const lines = (await (await scrape()).text()).split('\n').filter((line) => pattern.test(line));
  expect(lines.length).toBeLessThan(2);
  return Number(lines[0]?.split(' ').at(-1) ?? 0);
}

test('core §23.1: a login that fails and one that succeeds are counted, with the stages they went through', async () => {
  const failed = /^authentik_core_events_total\{action="login_failed"\}/;
  const succeeded = /^authentik_core_events_total\{action="login"\}/;
  const asked =
    /^authentik_flows_execution_stage_time_count\{stage_type="authentik_stages_password.passwordstage",method="post"\}/;
  const before = { failed: await sample(failed), succeeded: await sample(succeeded), asked: await sample(asked) };
  const visitor = createVisitor(core.url);
  await visitor.flow('default-authentication-flow');
  await visitor.flow('default-authentication-flow', { uid_field: 'akadmin' });
  await visitor.flow('default-authentication-flow', { password: 'wrong' });
  const after = await visitor.flow('default-authentication-flow', { password: core.password });
  expect(after).toMatchObject({ component: 'xak-flow-redirect' });
  expect(await sample(failed)).toBe(before.failed + 1);
  expect(await sample(succeeded)).toBe(before.succeeded + 1);
  expect(await sample(asked)).toBe(before.asked + 2);
  expect(await sample(/^authentik_flows_plan_time_count\{flow_slug="default-authentication-flow"\}/)).toBeGreaterThan(
    0,
  );
});

test('core §23.1: requests by area and class of status, tasks by what became of them, connections to the database', async () => {
  const missing = /^authentik_core_request_duration_seconds_count\{method="GET",area="api\/core",status="4xx"\}/;
  const before = await sample(missing);
  await expect(core.call('GET', '/core/users/999999/')).rejects.toThrow('404');
  expect(await sample(missing)).toBe(before + 1);
  await core.worker.drain();
  expect(await sample(/^authentik_core_tasks\{state="running"\}/)).toBeGreaterThanOrEqual(0);
  expect(await sample(/^authentik_core_database_connections\{state="open"\}/)).toBeGreaterThan(0);
  expect(await sample(/^authentik_core_database_connections\{state="waiting"\}/)).toBe(0);
});

test('core §23.1: a policy that passes, one that refuses and one that fails', async () => {
  const { pk } = await core.call<{ pk: string }>('POST', '/policies/expression/', {
    name: 'odd',
    expression: 'return 1 / 0',
  });
  const failures =
    /^authentik_policies_execution_time_count\{kind="authentik_policies_expression.expressionpolicy",result="failed"\}/;
  const before = await sample(failures);
  await core.call('POST', `/policies/all/${pk}/test/`, { user: 2 });
  expect(await sample(failures)).toBe(before + 1);
});

test('core-contract §7: outposts that are connected, by name, instance and version', async () => {
  const connected = /^authentik_outposts_connected\{tenant="public",outpost="ldap",uid="[0-9a-f-]+",expected="1"\} 1$/;
  const env = { AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: await core.outpostToken('ldap') };
  const daemon = await startDaemon('ldap', { env });
  await until(async () => (await sample(connected)) === 1);
  const seen = /^authentik_outposts_last_update\{tenant="public",outpost="ldap",uid="[0-9a-f-]+",version="[^"]+"\}/;
  await until(async () => (await sample(seen)) > 1_700_000_000);
  await daemon.stop();
  await until(async () => (await sample(connected)) === 0);
});

test('core §23.1: the metrics are for a router on the same machine, not for whoever comes through it', async () => {
  expect((await scrape()).headers.get('content-type')).toMatch(/^text\/plain/);
  expect((await scrape({ 'X-Forwarded-For': '192.0.2.1' })).status).toBe(404);
});

test('core §23.1: without a database there are metrics, and nothing about tasks', async () => {
  await core.stopDatabase();
  const text = await (await scrape()).text();
  expect(text).toContain('authentik_core_request_duration_seconds_count');
  expect(text).not.toMatch(/^authentik_core_tasks\{/m);
  await core.startDatabase();
});
