// core.md §20.2 and §22, 130 and 131: from an event to a row, a webhook and a mail.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import {
  bind,
  createClient,
  makeUser,
  startTestCore,
  type TestCore,
  uniqueName,
  visitorAs,
} from '@gatehouse/core/testing';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

let core: TestCore;
let mails: MailServer;
let hook: Hook;
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => (systemClock.now() + aheadMs) as ReturnType<Clock['now']> };
const { ask, plainUser } = createClient(() => core);

beforeAll(async () => {
  mails = await startMailServer();
  hook = await startHook();
  core = await startTestCore({ mailPort: mails.port, clock });
}, 60_000);
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  mails.close();
  hook.server.closeAllConnections();
  hook.server.close();
});

type Key = { readonly pk: string };
const makeTransport = async (settings: object) =>
  (await core.call<Key>('POST', '/events/transports/', { name: uniqueName('transport'), ...settings })).pk;
const makeGroup = async (users: readonly number[]) =>
  (await core.call<Key>('POST', '/core/groups/', { name: uniqueName('group'), users })).pk;
/** Gone with its test: rules tell of whatever happens. */
const makeRule = async (settings: object) => {
  const all = { name: uniqueName('rule'), severity: 'alert', ...settings };
  const { pk } = await core.call<Key>('POST', '/events/rules/', all);
  onTestFinished(async () => void (await core.call('DELETE', `/events/rules/${pk}/`)));
  return pk;
};
const matcher = async (settings: object) =>
  (await core.call<Key>('POST', '/policies/event_matcher/', { name: uniqueName('matcher'), ...settings })).pk;

/** An event of an action that nothing else uses. */
const happen = (action: string, context: object = {}) =>
  core.call('POST', '/events/events/', { action: `custom_${action}`, app: 'tests', context });

const settle = () => core.worker.drain();

async function noticesOf(username: string) {
  const visitor = await visitorAs(core, username);
  const answer = await visitor.fetch('/api/v3/events/notifications/');
  return ((await answer.json()) as { results: Record<string, unknown>[] }).results;
}

describe('rules', () => {
  test('core 130: each direct member is told once; without bindings nobody; a failing matcher goes round nowhere', async () => {
    const [one, two, above] = [await makeUser(core), await makeUser(core), await makeUser(core)];
    const child = await makeGroup([one.pk, two.pk]);
    await core.call('PATCH', `/core/groups/${child}/`, { parents: [await makeGroup([above.pk])] });
    const local = await makeTransport({ mode: 'local' });
    const action = uniqueName('told').replace('-', '_');
    const rule = await makeRule({ transports: [local], destination_group: child });
    await bind(core, rule, { policy: await matcher({ action: `custom_${action}` }) });
    await makeRule({ transports: [local], destination_group: child });
    await happen(action, { message: 'The cellar is wet', hyperlink: 'https://cellar.test/', hyperlink_label: 'Look' });
    await happen(`${action}_not`, { message: 'Nothing happened' });
    await settle();
    for (const { username } of [one, two])
      expect(await noticesOf(username)).toMatchObject([
        {
          severity: 'alert',
          body: 'The cellar is wet',
          hyperlink: 'https://cellar.test/',
          hyperlink_label: 'Look',
          seen: false,
          event: { action: `custom_${action}` },
        },
      ]);
    expect(await noticesOf(above.username)).toEqual([]);

    const broken = await core.call<Key>('POST', '/policies/expression/', {
      name: uniqueName('broken'),
      expression: 'return nothing_of_this_name',
    });
    const failing = await makeRule({ transports: [local], destination_group: child });
    await bind(core, failing, { policy: broken.pk });
    await happen(`${action}_again`, { message: 'x' });
    await settle();
    const exceptions = await core.call<{ pagination: { count: number } }>(
      'GET',
      '/events/events/?action=policy_exception',
    );
    await settle();
    expect(await core.call('GET', '/events/events/?action=policy_exception')).toMatchObject({
      pagination: { count: exceptions.pagination.count },
    });
    expect(exceptions.pagination.count).toBeLessThan(20);
  }, 60_000);

  test('whoever the event is about is told as well, and nobody twice; an expression may decide', async () => {
    const { pk, username } = await makeUser(core);
    const group = await makeGroup([pk]);
    const local = await makeTransport({ mode: 'local' });
    const policy = await core.call<Key>('POST', '/policies/expression/', {
      name: uniqueName('policy'),
      expression:
        'event = request.context["event"]\nreturn event.action == "login" and event.user["pk"] == request.user.pk',
    });
    const rule = await makeRule({ transports: [local], destination_group: group, destination_event_user: true });
    await bind(core, rule, { policy: policy.pk });
    const visitor = await visitorAs(core, username);
    await settle();
    const answer = await visitor.fetch('/api/v3/events/notifications/');
    expect(((await answer.json()) as { results: object[] }).results).toMatchObject([
      { event: { action: 'login', user: { username } } },
    ]);
  }, 60_000);

  test('an event that concerns no rule queues no task', async () => {
    const before = await core.call<{ pagination: { count: number } }>('GET', '/tasks/tasks/?search=event_trigger');
    await happen('of_no_interest');
    await plainUser(uniqueName('silent'));
    expect(await core.call('GET', '/tasks/tasks/?search=event_trigger')).toMatchObject({
      pagination: { count: before.pagination.count },
    });
  });
});

describe('what a user does with them', () => {
  test('only one’s own are seen, marked as seen and removed', async () => {
    const [mine, other] = [await makeUser(core), await makeUser(core)];
    const action = uniqueName('own').replace('-', '_');
    const rule = await makeRule({
      transports: [await makeTransport({ mode: 'local' })],
      destination_group: await makeGroup([mine.pk, other.pk]),
    });
    await bind(core, rule, { policy: await matcher({ action: `custom_${action}` }) });
    await happen(action);
    await happen(action);
    await settle();
    const visitor = await visitorAs(core, mine.username);
    const [first] = await noticesOf(mine.username);
    const [foreign] = await noticesOf(other.username);
    const at = (notice: Record<string, unknown> | undefined) =>
      `/api/v3/events/notifications/${String(notice?.['pk'])}/`;
    const send = async (path: string, method: string, body?: object) =>
      visitor.fetch(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
    expect((await send(at(foreign), 'PATCH', { seen: true })).status).toBe(404);
    expect(await (await send(at(first), 'PATCH', { seen: true, body: 'forged' })).json()).toMatchObject({
      seen: true,
      body: first?.['body'],
    });
    expect((await send('/api/v3/events/notifications/mark_all_seen/', 'POST')).status).toBe(204);
    expect((await noticesOf(mine.username)).map(({ seen }) => seen)).toEqual([true, true]);
    expect((await noticesOf(other.username)).map(({ seen }) => seen)).toEqual([false, false]);
    expect((await send(at(first), 'DELETE')).status).toBe(204);
    expect(await noticesOf(mine.username)).toHaveLength(1);
    const { results } = await core.call<{ results: { id: string; actor_name: string }[] }>(
      'GET',
      '/tasks/schedules/?actor_name=authentik.events.tasks.notification_cleanup',
    );
    const cleanup = results.find(({ actor_name }) => actor_name.endsWith('notification_cleanup'));
    await core.call('POST', `/tasks/schedules/${cleanup?.id}/send/`);
    await settle();
    expect(await noticesOf(mine.username)).toEqual([]);
    expect(await noticesOf(other.username)).toHaveLength(2);
  }, 60_000);
});

describe('webhooks', () => {
  test('JSON with body, severity and names; body and headers by mappings; any answer but 2xx fails the task', async () => {
    const { pk, username } = await makeUser(core, { email: 'told@corp.test' });
    const mapping = async (expression: string) =>
      (await core.call<Key>('POST', '/propertymappings/notification/', { name: uniqueName('mapping'), expression })).pk;
    const plain = await makeTransport({ mode: 'webhook', webhook_url: `${hook.url}plain`, send_once: true });
    const shaped = await makeTransport({
      mode: 'webhook',
      webhook_url: `${hook.url}shaped`,
      webhook_mapping_body: await mapping('return {"text": notification.body, "who": notification.user.username}'),
      webhook_mapping_headers: await mapping('return {"X-Token": "abc"}'),
    });
    const slack = await makeTransport({ mode: 'webhook_slack', webhook_url: `${hook.url}slack` });
    const refused = await makeTransport({ mode: 'webhook', webhook_url: `${hook.url}refused` });
    const action = uniqueName('hooked').replace('-', '_');
    const rule = await makeRule({
      transports: [plain, shaped, slack, refused],
      destination_group: await makeGroup([pk]),
    });
    await bind(core, rule, { policy: await matcher({ action: `custom_${action}` }) });
    await happen(action, { message: 'Door open', room: 'cellar' });
    await settle();
    const call = (path: string) => hook.calls.find((one) => one.path === path);
    expect(call('/plain')?.body).toEqual({
      body: 'Door open',
      severity: 'alert',
      user_email: 'told@corp.test',
      user_username: username,
      event_user_email: 'root@example.com',
      event_user_username: 'akadmin',
    });
    expect(call('/shaped')).toMatchObject({ body: { text: 'Door open', who: username }, token: 'abc' });
    expect(call('/slack')?.body).toMatchObject({
      attachments: [
        {
          title: `custom_${action}`,
          fields: expect.arrayContaining([{ title: 'room', value: 'cellar', short: true }]),
        },
      ],
    });
    expect(await core.call('GET', '/tasks/tasks/?search=notification_transport&state=queued')).toMatchObject({
      results: [
        { retries: 1, previous_logs: expect.arrayContaining([expect.objectContaining({ log_level: 'error' })]) },
      ],
    });
  }, 60_000);

  test('a transport is tried out for the caller, and says what went wrong', async () => {
    const good = await makeTransport({ mode: 'webhook', webhook_url: `${hook.url}tried` });
    expect(await core.call('POST', `/events/transports/${good}/test/`)).toEqual({
      messages: ['The webhook answered 200.'],
    });
    const bad = await makeTransport({ mode: 'webhook', webhook_url: `${hook.url}refused` });
    expect(await ask('POST', `/events/transports/${bad}/test/`)).toMatchObject({
      status: 500,
      body: { detail: expect.stringContaining('answered 418') },
    });
    const { key } = await plainUser(uniqueName('tester'));
    expect((await ask('POST', `/events/transports/${good}/test/`, undefined, key)).status).toBe(403);
    expect((await ask('POST', '/events/transports/', { name: 'x', mode: 'webhook', webhook_url: '' })).status).toBe(
      400,
    );
  });
});

describe('mails', () => {
  test('core 131: a mail server that is down delays a mail, and doubles none', async () => {
    const { pk } = await makeUser(core, { email: 'night@corp.test' });
    const silent = await makeUser(core);
    const action = uniqueName('mailed').replace('-', '_');
    const rule = await makeRule({
      transports: [await makeTransport({ mode: 'email', email_subject_prefix: 'Cellar: ' })],
      destination_group: await makeGroup([pk, silent.pk]),
    });
    await bind(core, rule, { policy: await matcher({ action: `custom_${action}` }) });
    mails.refuse = true;
    await happen(action, { message: 'Water <is> rising' });
    await settle();
    expect(mails.taken).toEqual([]);
    mails.refuse = false;
    aheadMs += 60_000;
    await settle();
    expect(mails.taken).toHaveLength(1);
    expect(mails.taken[0]).toMatch(/^Subject: Cellar: custom_/m);
    expect(mails.taken[0]).toMatch(/^To: night@corp\.test/m);
    expect(mails.taken[0]).toContain('Water &lt;is&gt; rising');
    expect(await core.call('GET', '/events/events/?action=email_sent')).toMatchObject({ pagination: { count: 1 } });
  }, 60_000);
});

interface Hook {
  readonly server: Server;
  readonly url: string;
  readonly calls: { readonly path: string; readonly body: unknown; readonly token: unknown }[];
}

async function startHook(): Promise<Hook> {
  const calls: Hook['calls'] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => {
      text += part.toString();
    });
    request.on('end', () => {
      calls.push({ path: request.url ?? '', body: JSON.parse(text), token: request.headers['x-token'] });
      response.writeHead(request.url === '/refused' ? 418 : 200).end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

interface MailServer {
  readonly port: number;
  readonly taken: string[];
  refuse: boolean;
  close(): void;
}

/** As much of SMTP as one mail needs (RFC 5321). */
async function startMailServer(): Promise<MailServer> {
  const taken: string[] = [];
  const state = { refuse: false };
  const server = createTcpServer((socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (state.refuse) return void socket.end('421 Service not available\r\n');
    let inData = false;
    let text = '';
    socket.write('220 mail.test ESMTP\r\n');
    socket.on('data', (part: Buffer) => {
      text += part.toString();
      for (
        let end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        end !== -1;
        end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n')
      ) {
        const line = text.slice(0, end);
        text = text.slice(end + (inData ? 5 : 2));
        if (inData) taken.push(line);
        const isData = !inData && /^DATA/i.test(line);
        inData = isData;
        socket.write(isData ? '354 Go on\r\n' : /^QUIT/i.test(line) ? '221 Bye\r\n' : '250 OK\r\n');
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    get refuse() {
      return state.refuse;
    },
    set refuse(value) {
      state.refuse = value;
    },
    close: () => server.close(),
  };
}
