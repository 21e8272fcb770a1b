// `gatehouse status` as somebody sees it in a terminal: the table again and again, with rates, until it is ended.
import { createServer } from 'node:http';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, onTestFinished, test } from 'vitest';
import { status } from './status.ts';

/** A daemon as far as the command sees it: ready or not, and 100 requests more with every look. */
async function daemon(isReady: boolean): Promise<string> {
  let requests = 0;
  const server = createServer((request, response) => {
    if (request.url === '/-/ready') {
      const components = { channel: isReady ? { state: 'ready' } : { state: 'degraded', reason: 'no answer' } };
      return void response.writeHead(isReady ? 200 : 503).end(JSON.stringify({ ready: isReady, components }));
    }
    requests += 100;
    response.end(
      [
        'authentik_outpost_info{version="2026.5.0"} 1',
        `authentik_outpost_connection{outpost="one"} ${isReady ? 1 : 0}`,
        `authentik_outpost_ldap_request_duration_seconds_count{type="bind"} ${requests}`,
        'authentik_outpost_ldap_connections 3',
        '',
      ].join('\n'),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  const at = server.address();
  return `127.0.0.1:${typeof at === 'object' ? at?.port : 0}`;
}

test('in a terminal the table is drawn anew until somebody ends it, with state, version, channel, sessions and rates', async () => {
  await using folder = await temporaryFolder();
  const tables: string[] = [];
  let end: (value: unknown) => void = () => undefined;
  const stopped = new Promise((resolve) => {
    end = resolve;
  });
  const code = await status({
    dataDir: folder.path,
    process: [`ldap=${await daemon(true)}`, `radius=${await daemon(false)}`, 'proxy=127.0.0.1:1'],
    once: false,
    json: false,
    live: true,
    width: 200,
    colour: false,
    print: (text) => {
      tables.push(text);
      if (tables.length === 2) end(undefined);
    },
    stopped,
  });
  expect(code).toBe(1); // not everything is ready
  const [first = '', second = ''] = tables;
  const clearScreen = '\u001b[H\u001b[2J';
  expect([first.startsWith(clearScreen), second.startsWith(clearScreen)]).toEqual([true, true]);
  const rowOf = (table: string, name: string) => table.split('\n').find((line) => line.startsWith(name)) ?? '';
  expect(rowOf(first, 'ldap')).toMatch(/^ldap +ready +2026\.5\.0 +open +3 +100 +– /);
  expect(rowOf(second, 'ldap')).toMatch(/^ldap +ready +2026\.5\.0 +open +3 +200 +\d+\.\d /);
  expect(rowOf(first, 'radius')).toMatch(/^radius +degraded \(channel: no answer\) +2026\.5\.0 +closed /);
  expect(rowOf(first, 'proxy')).toMatch(/^proxy +down /);
}, 20_000);

test('without an installation it says so, and what to do', async () => {
  await using folder = await temporaryFolder();
  const options = { once: true, json: false, live: false, width: 80, colour: false, print: () => undefined };
  await expect(
    status({ ...options, dataDir: folder.path, process: [], stopped: new Promise(() => undefined) }),
  ).rejects.toMatchObject({ code: 'ERR_CLI_NOT_RUNNING' });
});
