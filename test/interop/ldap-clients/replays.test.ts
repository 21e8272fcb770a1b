// Clients that cannot run here: what they send is sent from their pages (ldap.md §15), line by line, in both search modes of the
// provider, and each line is compared whole.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { WireClient } from '../../conformance/ldap/wire-client.ts';
import { until } from '../../harness/index.ts';
import { labForTests } from './lab.ts';
import { readRecipe } from './recipe.ts';
import { replay } from './requests.ts';

const folder = join(import.meta.dirname, '../../../ldap/docs/clients');
const pages = readdirSync(folder)
  .map((file) => file.replace(/\.md$/, ''))
  .filter((name) => readRecipe(name, []).requests.length > 0);

const lab = labForTests();

describe.each(['cached', 'direct'])('search mode %s', (mode) => {
  beforeAll(async () => {
    const { core } = lab.fixture;
    const { results } = await core.call<{ results: { pk: number; name: string }[] }>('GET', '/providers/ldap/');
    const provider = results.find(({ name }) => name === 'Directory');
    await core.call('PATCH', `/providers/ldap/${provider?.pk}/`, { search_mode: mode });
    const { daemon } = lab.fixture;
    const updates = () => daemon.lines.filter(({ event }) => event === 'Update providers').length;
    const before = updates();
    process.kill(daemon.pid ?? 0, 'SIGUSR1');
    await until(() => updates() > before);
  });

  test.each(pages)('%s', async (page) => {
    using client = await WireClient.plain(lab.fixture.port);
    const { requests } = readRecipe(page, []);
    const answered: string[] = [];
    for (const line of requests) answered.push(await replay(client, line));
    expect(answered).toEqual(requests);
  });
});

test('every kind of client has its page', () => {
  expect(pages.length).toBeGreaterThanOrEqual(15);
});
