// core.md §10.3: lists by the fields of their rows, as data sources of infrastructure tools ask for them.
import { createClient, makeStage, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
const { ask } = createClient(() => core);
const keys = new Map<string, string>();

beforeAll(async () => {
  core = await startTestCore();
  const { results } = await core.call<{ results: { pk: string; slug: string }[] }>('GET', '/flows/instances/');
  for (const { slug, pk } of results) keys.set(slug, pk);
  const flows = {
    authorization_flow: keys.get('default-provider-authorization-explicit-consent'),
    invalidation_flow: keys.get('default-provider-invalidation-flow'),
  };
  await core.call('POST', '/providers/ldap/', {
    name: 'Second directory',
    base_dn: 'dc=second,dc=test',
    search_mode: 'cached',
    ...flows,
  });
  const oauth = await core.call<{ pk: number }>('POST', '/providers/oauth2/', {
    name: 'wiki client',
    client_type: 'public',
    redirect_uris: [],
    ...flows,
  });
  keys.set('oauth', String(oauth.pk));
  keys.set('prompt', await makeStage(core, 'prompt/stages', {}));
  await makeStage(core, 'user_login', { name: 'long', session_duration: 'days=3', terminate_other_sessions: true });
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const names = async (path: string) => {
  const { results } = await core.call<{ results: { name: string }[] }>('GET', path);
  return results.map(({ name }) => name);
};

describe('filters of fields', () => {
  test.each([
    ['/propertymappings/provider/scope/?scope_name=openid', ["authentik default OAuth Mapping: OpenID 'openid'"]],
    ['/providers/ldap/?name__iexact=SECOND%20directory', ['Second directory']],
    ['/providers/ldap/?base_dn__iexact=DC=second,DC=test', ['Second directory']],
    ['/providers/ldap/?search_mode=cached&name=Second%20directory', ['Second directory']],
    [
      '/providers/ldap/?authorization_flow__slug__iexact=default-provider-authorization-explicit-consent',
      ['Second directory'],
    ],
    ['/providers/ldap/?application__isnull=true', ['Second directory']],
    ['/providers/ldap/?certificate__isnull=false', []],
    ['/providers/oauth2/?client_type=public', ['wiki client']],
    ['/providers/all/?application__isnull=true&search=wiki', ['wiki client']],
    ['/stages/user_login/?session_duration=days=3', ['long']],
    ['/stages/user_login/?terminate_other_sessions=True', ['long']],
    ['/stages/deny/?deny_message=nothing', []],
    ['/events/rules/?severity=nothing', []],
    ['/outposts/instances/?name__icontains=EMBEDDED', ['authentik Embedded Outpost']],
    ['/outposts/instances/?providers__isnull=true', []],
    ['/outposts/instances/?providers_by_pk=99999', []],
    ['/policies/expression/?expression__icontains=nobody%20writes%20this', []],
    ['/core/groups/?users=99999', []],
  ])('%s', async (path, expected) => {
    expect(await names(path)).toEqual(expected);
  });

  test('values that a row has because nothing else was said count as well', async () => {
    const { pagination } = await core.call<{ pagination: { count: number } }>(
      'GET',
      '/providers/ldap/?bind_mode=direct',
    );
    expect(pagination.count).toBeGreaterThan(0);
    expect(await names('/stages/user_login/?terminate_other_sessions=false&name=long')).toEqual([]);
  });

  test('references in lists: a prompt stage by its fields, a binding by its stage', async () => {
    const prompt = await core.call<{ pk: string }>('POST', '/stages/prompt/prompts/', {
      name: 'p',
      field_key: 'p',
      label: 'P',
      type: 'text',
    });
    await core.call('PATCH', `/stages/prompt/stages/${keys.get('prompt')}/`, { fields: [prompt.pk] });
    expect(await names(`/stages/prompt/stages/?fields=${prompt.pk}`)).toHaveLength(1);
    expect(await names('/stages/prompt/prompts/?field_key=p&type=text')).toEqual(['p']);
  });

  test('passwords and keys cannot be guessed by them', async () => {
    const all = await core.call<{ pagination: { count: number } }>('GET', '/core/users/');
    for (const query of ['password__icontains=argon2', 'password=x', 'password__isnull=true'])
      expect(await core.call('GET', `/core/users/?${query}`)).toMatchObject({
        pagination: { count: all.pagination.count },
      });
    expect(await core.call('GET', '/crypto/certificatekeypairs/?key_data__icontains=nothing')).toMatchObject({
      pagination: { count: 1 },
    });
  });

  test.each(["name=';drop table users;--", 'name__nothing=x', 'name__name__iexact=x', '__proto__=x', 'constructor=x'])(
    '%s does no harm',
    async (query) => {
      expect((await ask('GET', `/providers/ldap/?${query}`)).status).toBe(200);
    },
  );
});
