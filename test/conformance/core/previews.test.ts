// core.md §11.3, §11.5: what would come of a provider or a prompt, before anybody sees it.
import { createClient, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
const { ask, plainUser } = createClient(() => core);

beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

describe('of a provider', () => {
  test('its claims for the caller, or for somebody whom the caller may look at', async () => {
    const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
    const scopes = await core.call<{ results: { pk: string }[] }>('GET', '/propertymappings/provider/scope/');
    const provider = await core.call<{ pk: number; client_id: string }>('POST', '/providers/oauth2/', {
      name: 'looked at',
      authorization_flow: await flow('default-provider-authorization-implicit-consent'),
      invalidation_flow: await flow('default-provider-invalidation-flow'),
      redirect_uris: [],
      property_mappings: scopes.results.map(({ pk }) => pk),
      sub_mode: 'user_username',
    });
    const path = `/providers/oauth2/${provider.pk}/preview_user/`;
    expect(await ask('GET', path)).toMatchObject({ status: 400, body: { non_field_errors: expect.any(Array) } });
    await core.call('POST', '/core/applications/', { name: 'Looked at', slug: 'looked-at', provider: provider.pk });
    expect(await core.call('GET', path)).toMatchObject({
      preview: {
        iss: `${core.url}application/o/looked-at/`,
        sub: 'akadmin',
        aud: provider.client_id,
        preferred_username: 'akadmin',
        groups: ['authentik Admins'],
      },
    });
    const ada = await core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=ada');
    const pk = ada.results[0]?.pk;
    expect(await core.call('GET', `${path}?for_user=${pk}`)).toMatchObject({
      preview: { sub: 'ada', email: 'ada@example.org' },
    });
    expect((await ask('GET', `${path}?for_user=999999`)).status).toBe(400);
    const nosy = await plainUser('nosy');
    await core.deps.database.kysely
      .insertInto('grants')
      .values({ user_id: nosy.pk, permission: 'authentik_providers_oauth2.view_oauth2provider' })
      .execute();
    expect((await ask('GET', path, undefined, nosy.key)).status).toBe(200);
    expect((await ask('GET', `${path}?for_user=${pk}`, undefined, nosy.key)).status).toBe(403);
  });
});

describe('of an expression that this release cannot run', () => {
  test('core §16.2: refused, unless the caller asks for it to be stored; then it is told, and never passes', async () => {
    const policy = { name: 'of another release', expression: 'import smtplib\nreturn True' };
    expect(await ask('POST', '/policies/expression/', policy)).toMatchObject({
      status: 400,
      body: { expression: [expect.stringContaining('smtplib')] },
    });
    const path = '/policies/expression/?allow_unsupported=true';
    expect((await ask('POST', path, { ...policy, expression: 'return (' })).status).toBe(400);
    const { pk } = await core.call<{ pk: string }>('POST', path, policy);
    expect(await core.call('POST', `/policies/all/${pk}/test/`, { user: 1 })).toMatchObject({ passing: false });
    expect(await core.call('GET', '/events/events/?action=configuration_error')).toMatchObject({
      results: [{ context: { message: expect.stringContaining('smtplib') } }],
    });
  });
});

describe('of a prompt', () => {
  const preview = '/stages/prompt/prompts/preview/';
  const prompt = { name: 'town', field_key: 'town', label: 'Town', type: 'text' };

  test('as a flow shows it, with its expressions evaluated for the caller', async () => {
    const body = { ...prompt, initial_value: 'return user.username.upper()', initial_value_expression: true };
    expect(await core.call('POST', preview, body)).toMatchObject({
      component: 'ak-stage-prompt',
      fields: [{ field_key: 'town', label: 'Town', type: 'text', initial_value: 'AKADMIN', choices: null }],
    });
    const choice = { ...prompt, type: 'dropdown', placeholder: 'return ["a", "b"]', placeholder_expression: true };
    expect(await core.call('POST', preview, choice)).toMatchObject({
      fields: [{ choices: [{ value: 'a' }, { value: 'b' }] }],
    });
    expect(await core.call('GET', '/stages/prompt/prompts/?name=town')).toMatchObject({ results: [] });
  });

  test('an expression that fails is told at its field; others may not look', async () => {
    const body = { ...prompt, placeholder: 'return nope', placeholder_expression: true };
    expect(await ask('POST', preview, body)).toMatchObject({
      status: 400,
      body: { placeholder: [expect.stringContaining('nope')] },
    });
    expect((await ask('POST', preview, { ...prompt, type: 'crystal ball' })).status).toBe(400);
    const { key } = await plainUser('previewer');
    expect((await ask('POST', preview, prompt, key)).status).toBe(403);
  });
});
