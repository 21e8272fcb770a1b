// The core when things go wrong around it (issue text, "Bad input and faults"): the database gone and back, clocks that jump.
import { createHash } from 'node:crypto';
import { createClient, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

describe('the database', () => {
  test('core 8: gone it is 503 with Retry-After on every path; back, everything works without a restart', async () => {
    await using core = await startTestCore();
    const { ask, logIn } = createClient(() => core);
    const visitor = await logIn('ada');
    await core.stopDatabase();
    const ready = await fetch(`${core.url}-/health/ready/`);
    expect(ready.status).toBe(503);
    expect((await fetch(`${core.url}-/health/live/`)).status).toBe(200);
    for (const path of ['/core/users/', '/core/users/me/']) {
      const answer = await ask('GET', path);
      expect(answer).toMatchObject({ status: 503, body: { detail: 'The database cannot be reached.' } });
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    const flow = await fetch(`${core.url}api/v3/flows/executor/default-authentication-flow/`);
    expect(flow.status).toBe(503);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(503);
    await core.startDatabase();
    await expect.poll(async () => (await ask('GET', '/core/users/me/')).status, { timeout: 15_000 }).toBe(200);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
    // Notifications are heard again, too: a task that is queued now runs by itself.
    const { results } = await core.call<{ results: { id: string }[] }>(
      'GET',
      '/tasks/schedules/?paused=false&ordering=actor_name',
    );
    await core.call('POST', `/tasks/schedules/${results[0]?.id}/send/`);
    await expect
      .poll(async () => (await core.call<{ queued: number; running: number }>('GET', '/tasks/tasks/status/')).queued, {
        timeout: 20_000,
      })
      .toBe(0);
  }, 120_000);
});

describe('clocks', () => {
  test('a jump forward ends what has run out and nothing else; a jump back brings nothing back to life', async () => {
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => (systemClock.now() + aheadMs) as ReturnType<Clock['now']> };
    await using core = await startTestCore({ clock });
    const { ask, logIn, plainUser } = createClient(() => core);
    const visitor = await logIn('ada');
    const user = await plainUser('timely');
    const mayAsk = async () => (await visitor.fetch('/api/v3/core/users/me/')).status;
    aheadMs = 3_600_000;
    expect(await mayAsk()).toBe(200);
    aheadMs = 30 * 86_400_000;
    expect(await mayAsk()).toBe(403);
    expect((await ask('GET', '/core/users/me/', undefined, user.key)).status).toBe(403);
    expect((await ask('GET', '/core/users/me/')).status).toBe(200);
    await core.deps.sessions.sweep();
    aheadMs = 0;
    expect(await mayAsk()).toBe(403);
    aheadMs = -86_400_000;
    expect((await ask('GET', '/core/users/me/')).status).toBe(200);
    const again = await logIn('grace');
    expect((await again.fetch('/api/v3/core/users/me/')).status).toBe(200);
  }, 90_000);
});

describe('two processes on one database', () => {
  test('a change of settings and an ended session hold in both', async () => {
    await using core = await startTestCore();
    await using second = await core.twin();
    const { logIn } = createClient(() => core);
    const at = async (url: string, path: string, init: RequestInit = {}) =>
      fetch(`${url}api/v3${path}`, {
        ...init,
        headers: { Authorization: `Bearer ${core.adminToken}`, 'Content-Type': 'application/json' },
      });
    await at(core.url, '/admin/settings/', { method: 'PATCH', body: JSON.stringify({ default_token_length: 77 }) });
    await expect
      .poll(
        async () =>
          ((await (await at(second.url, '/admin/settings/')).json()) as { default_token_length: number })
            .default_token_length,
        { timeout: 5_000 },
      )
      .toBe(77);
    const visitor = await logIn('ada');
    const { results } = await core.call<{ results: { uuid: string }[] }>(
      'GET',
      '/core/authenticated_sessions/?user__username=ada',
    );
    const heard = await channelOf(core);
    await at(second.url, `/core/authenticated_sessions/${results[0]?.uuid}/`, { method: 'DELETE' });
    const { sid } = decodeJwt(visitor.cookies.get('authentik_session') ?? '');
    const session_id = createHash('sha256').update(String(sid)).digest('hex');
    await expect
      .poll(() => heard, { timeout: 10_000 })
      .toContainEqual({ instruction: 4, args: { type: 'event.session.end', session_id } });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
    const workers = (await core.call<unknown[]>('GET', '/tasks/workers/')).length;
    expect(workers).toBe(2);
  }, 90_000);
});

/** What an LDAP outpost hears from this process; closed with it. */
async function channelOf(core: TestCore): Promise<readonly unknown[]> {
  const { results } = await core.call<{ results: { pk: string; type: string }[] }>('GET', '/outposts/instances/');
  const pk = results.find(({ type }) => type === 'ldap')?.pk;
  const url = `${core.url.replace('http', 'ws')}ws/outpost/${pk}/?instance_uuid=one`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${await core.outpostToken('ldap')}` } });
  const heard: unknown[] = [];
  socket.on('message', (data) => heard.push(JSON.parse(String(data))));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return heard;
}
