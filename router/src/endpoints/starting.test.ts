// What is answered before the core has ever been healthy: router.md §11.1, §13.
import { expect, test } from 'vitest';
import { runRouter } from '../testing/running-router.ts';

for (const [name, accept, type, body] of [
  ['router R4: JSON for who accepts it', 'application/json', 'application/json', '{"error":"authentik starting"}\n'],
  ['router R5: a page for browsers', 'text/html', 'text/html; charset=utf-8', undefined],
  ['router R6: text for everybody else', '*/*', 'text/plain', 'authentik starting'],
] as const) {
  test(name, async () => {
    await using site = await runRouter();
    const answer = await fetch(`${site.url}/if/user/`, { headers: { accept } });
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('content-type')]).toEqual([
      503,
      '5',
      type,
    ]);
    const text = await answer.text();
    if (body === undefined) expect(text).toContain('<h1>Starting</h1>');
    else expect(text).toBe(body);
  });
}

test('router R7: before the core is healthy live and ready are 503 with empty body, startup is 200', async () => {
  await using site = await runRouter();
  for (const [name, status] of [
    ['live', 503],
    ['ready', 503],
    ['startup', 200],
  ] as const) {
    const answer = await fetch(`${site.url}/-/health/${name}/`);
    expect([answer.status, await answer.text()], name).toEqual([status, '']);
  }
});
