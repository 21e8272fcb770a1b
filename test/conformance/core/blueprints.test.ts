// core.md §22, "Blueprints": against a whole core, with a folder of the installation's own.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  core = await startTestCore({ blueprintsDir: folder.path });
}, 60_000);
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Imported {
  readonly success: boolean;
  readonly logs: readonly { readonly event: string; readonly log_level: string }[];
  readonly entries?: readonly { readonly action: string; readonly fields: object }[];
}

/** Applies a text by the import endpoint. */
async function apply(yaml: string, { token = core.adminToken, query = '' } = {}) {
  const body = new FormData();
  body.set('file', new Blob([yaml]), 'test.yaml');
  const response = await fetch(`${core.url}api/v3/managed/blueprints/import/${query}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body,
  });
  return { status: response.status, body: (await response.json()) as Imported };
}

const entries = (...lines: string[]) => `version: 1\nentries:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
const group = (name: string, more = '') => `{model: authentik_core.group, identifiers: {name: ${name}}${more}}`;
const groupsNamed = async (name: string) =>
  (
    await core.call<{ results: { pk: string; name: string; attributes: unknown }[] }>(
      'GET',
      `/core/groups/?name=${encodeURIComponent(name)}`,
    )
  ).results;

/** Looks again until it holds; the core works by itself meanwhile. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error('It did not come about within 20 s.');
    await new Promise((later) => setTimeout(later, 50));
  }
}

describe('states', () => {
  test('core 110: "present" makes one object, and restores what it lists', async () => {
    const yaml = entries(group('present', ', attrs: {attributes: {a: 1}}'));
    expect((await apply(yaml)).body.success).toBe(true);
    expect((await apply(yaml, { query: '?dry_run=true' })).body.entries).toMatchObject([{ action: 'noop' }]);
    const [made] = await groupsNamed('present');
    await core.call('PATCH', `/core/groups/${made?.pk}/`, { attributes: { a: 2 }, is_superuser: true });
    await apply(yaml);
    expect(await groupsNamed('present')).toMatchObject([{ attributes: { a: 1 }, is_superuser: true }]);
  });

  test('core 111: "created" changes nothing, "must_created" refuses, "absent" may find nothing', async () => {
    await apply(entries(group('once', ', attrs: {attributes: {a: 1}}')));
    const created = entries(
      `{model: authentik_core.group, state: created, id: g, identifiers: {name: once}, attrs: {attributes: {a: 9}}}`,
      `{model: authentik_core.group, identifiers: {name: below once}, attrs: {parents: [!KeyOf g]}}`,
    );
    expect((await apply(created)).body.success).toBe(true);
    const [made] = await groupsNamed('once');
    expect(made?.attributes).toEqual({ a: 1 });
    expect(await groupsNamed('below once')).toMatchObject([{ parents: [made?.pk] }]);
    const refused = await apply(entries(group('once', ', state: must_created')));
    expect(refused).toMatchObject({ status: 200, body: { success: false } });
    expect(refused.body.logs[0]?.event).toMatch(/name: This field must be unique/);
    expect((await apply(entries(group('once', ', state: absent')))).body.success).toBe(true);
    expect(await groupsNamed('once')).toEqual([]);
    expect((await apply(entries(group('once', ', state: absent')))).body.success).toBe(true);
  });

  test('core 112: an error in the last of ten entries leaves none of the others', async () => {
    const ten = Array.from({ length: 9 }, (_, at) => group(`half ${at}`));
    const { body } = await apply(
      entries(...ten, '{model: authentik_core.user, id: last, identifiers: {username: ""}}'),
    );
    expect(body.success).toBe(false);
    expect(body.logs[0]?.event).toMatch(/entry last in line 12.*username/);
    for (let at = 0; at < 9; at += 1) expect(await groupsNamed(`half ${at}`)).toEqual([]);
  });

  test('core 114: a false condition skips, also an unknown model; !KeyOf to it then fails', async () => {
    const skipped = `{model: authentik_unheard.of, id: s, conditions: [!If [false]], identifiers: {name: x}}`;
    expect((await apply(entries(skipped))).body.success).toBe(true);
    const { body } = await apply(entries(skipped, group('after', ', attrs: {parents: [!KeyOf s]}')));
    expect(body.logs[0]?.event).toMatch(/!KeyOf s names no earlier entry/);
    const unknown = await apply(entries(skipped.replace('false', 'true')));
    expect(unknown.body.logs[0]?.event).toMatch(/the model authentik_unheard.of is unknown/);
  });

  test('core 120: "password: null" cannot be used, a given one can; neither is told anywhere', async () => {
    const user = (name: string, password: string) =>
      `{model: authentik_core.user, identifiers: {username: ${name}}, attrs: {name: N, password: ${password}}}`;
    await apply(entries(user('without', 'null'), user('with', 'wunderbar-geheim')));
    const rows = await core.deps.database.kysely
      .selectFrom('users')
      .select(['username', 'password'])
      .where('username', 'in', ['without', 'with'])
      .execute();
    const encoded = Object.fromEntries(rows.map(({ username, password }) => [username, password]));
    expect(encoded['without']).toMatch(/^!/);
    expect(await core.deps.passwords.check('wunderbar-geheim', encoded['with'] ?? '')).toBe(true);
    await apply(entries(user('with', 'wunderbar-geheim')));
    const again = await core.deps.database.kysely
      .selectFrom('users')
      .select('password')
      .where('username', '=', 'with')
      .executeTakeFirst();
    expect(again?.password).toBe(encoded['with']);
    const events = JSON.stringify(await core.call('GET', '/events/events/?page_size=100'));
    for (const text of [JSON.stringify(core.lines), events]) expect(text.includes('wunderbar-geheim')).toBe(false);
  });

  test('a dry run tells what would change, with the values, and keeps nothing', async () => {
    await apply(entries(group('planned', ', attrs: {attributes: {a: 1}}')));
    const plan = entries(
      group('planned', ', attrs: {attributes: {a: 2}}'),
      group('not yet'),
      group('nowhere', ', state: absent'),
    );
    const { body } = await apply(plan, { query: '?dry_run=true' });
    expect(body.entries).toMatchObject([
      { action: 'update', fields: { attributes: { previous_value: { a: 1 }, new_value: { a: 2 } } } },
      { action: 'create' },
      { action: 'noop' },
    ]);
    expect(await groupsNamed('not yet')).toEqual([]);
    expect(await groupsNamed('planned')).toMatchObject([{ attributes: { a: 1 } }]);
  });

  test('rights: of entries to users and roles, of roles and users everywhere', async () => {
    const yaml = entries(
      '{model: authentik_rbac.role, id: role, identifiers: {name: from a file}, attrs: {permissions: [authentik_core.view_user]}}',
      '{model: authentik_core.user, id: user, identifiers: {username: righteous}, attrs: {name: R, roles: [!KeyOf role]}}',
      `{model: authentik_core.group, identifiers: {name: guarded}, permissions: [{permission: view_group, role: !KeyOf role}, {permission: change_group, user: !KeyOf user}]}`,
    );
    expect((await apply(yaml)).body).toMatchObject({ success: true });
    const [guarded] = await groupsNamed('guarded');
    const rows = await core.deps.database.kysely.selectFrom('role_permissions').selectAll().execute();
    expect(rows).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ permission: 'authentik_core.view_user', object: '' }),
        expect.objectContaining({ permission: 'authentik_core.view_group', object: guarded?.pk }),
      ]),
    );
  });

  test('unknown attributes are warned of; former names are understood', async () => {
    const { body } = await apply(
      entries(
        group('warned', ', attrs: {colour: red}'),
        '{model: authentik_events.notificationrule, identifiers: {name: rule}, attrs: {group: !Find [authentik_core.group, [name, warned]]}}',
      ),
    );
    expect(body.success).toBe(true);
    expect(body.logs.map(({ event }) => event)).toEqual([
      'authentik_core.group has no attribute colour: ignored',
      'The attribute group of authentik_events.notificationrule is now called destination_group',
    ]);
    const { results } = await core.call<{ results: { destination_group_obj: { name: string } }[] }>(
      'GET',
      '/events/rules/?name=rule',
    );
    expect(results[0]?.destination_group_obj.name).toBe('warned');
  });

  test('core 118: bindings attach to applications, flows, stage bindings and rules by !KeyOf', async () => {
    const bound = (id: string) =>
      `{model: authentik_policies.policybinding, identifiers: {target: !KeyOf ${id}, group: !KeyOf g, order: 0}}`;
    const { body } = await apply(
      entries(
        group('bound', ', id: g'),
        '{model: authentik_core.application, id: app, identifiers: {slug: bound-app}, attrs: {name: Bound}}',
        '{model: authentik_flows.flow, id: flow, identifiers: {slug: bound-flow}, attrs: {name: B, title: B, designation: authentication}}',
        '{model: authentik_stages_dummy.dummystage, id: stage, identifiers: {name: bound-stage}}',
        '{model: authentik_flows.flowstagebinding, id: fsb, identifiers: {target: !KeyOf flow, stage: !KeyOf stage, order: 0}}',
        '{model: authentik_events.notificationrule, id: rule, identifiers: {name: bound-rule}}',
        ...['app', 'flow', 'fsb', 'rule'].map(bound),
      ),
    );
    expect(body).toMatchObject({ success: true });
    const [g] = await groupsNamed('bound');
    const { rows } = { rows: await core.deps.database.kysely.selectFrom('policy_bindings').selectAll().execute() };
    expect(rows.filter((row) => row.group === g?.pk)).toHaveLength(4);
  });
});

describe('instances', () => {
  const instanceOf = async (path: string) => {
    const { results } = await core.call<{ results: { pk: string; status: string; last_applied: string }[] }>(
      'GET',
      `/managed/blueprints/?path=${path}`,
    );
    return results[0];
  };

  test('core 113: an edited file is applied within seconds; a touched one and a disabled one are not', async () => {
    const file = join(folder.path, 'watched.yaml');
    await writeFile(file, entries(group('watched one')));
    await until(async () => (await instanceOf('watched.yaml'))?.status === 'successful');
    expect(await groupsNamed('watched one')).toHaveLength(1);
    const before = await instanceOf('watched.yaml');
    await writeFile(file, entries(group('watched one')));
    await core.call('PATCH', `/managed/blueprints/${before?.pk}/`, { enabled: false });
    await writeFile(join(folder.path, 'other.yaml'), entries(group('another')));
    await until(async () => (await instanceOf('other.yaml'))?.status === 'successful');
    expect((await instanceOf('watched.yaml'))?.last_applied).toBe(before?.last_applied);
    await writeFile(file, entries(group('watched two')));
    await writeFile(join(folder.path, 'other.yaml'), entries(group('another one')));
    await until(async () => (await groupsNamed('another one')).length === 1);
    expect(await groupsNamed('watched two')).toEqual([]);
  });

  test('core 115: the context of the instance wins over that of the file; lists add up', async () => {
    const content = `version: 1
context: {who: file, list: [1], only: file}
entries:
  - model: authentik_core.group
    identifiers: {name: contextual}
    attrs: {attributes: {who: !Context who, list: !Context list, only: !Context only}}
`;
    const instance = await core.call<{ pk: string }>('POST', '/managed/blueprints/', {
      name: 'contextual',
      content,
      context: { who: 'instance', list: [2] },
    });
    expect(await groupsNamed('contextual')).toEqual([]);
    await core.call('POST', `/managed/blueprints/${instance.pk}/apply/`);
    await until(async () => (await groupsNamed('contextual')).length === 1);
    expect(await groupsNamed('contextual')).toMatchObject([
      { attributes: { who: 'instance', list: [1, 2], only: 'file' } },
    ]);
  });

  test('core 116: importing needs the rights to every kind, also in sections', async () => {
    const user = await core.call<{ pk: number }>('POST', '/core/users/', { username: 'importer', name: 'I' });
    await core.call('POST', '/core/tokens/', { identifier: 'importer', user: user.pk });
    const { key: token } = await core.call<{ key: string }>('GET', '/core/tokens/importer/view_key/');
    const sections = 'entries:\n  some:\n    - {model: authentik_core.group, id: g, identifiers: {name: smuggled}}\n';
    for (const yaml of [entries(group('smuggled', ', id: g')), sections])
      expect(await apply(yaml, { token })).toMatchObject({ status: 403, body: { g: expect.any(String) } });
    expect(await groupsNamed('smuggled')).toEqual([]);
  });

  test('core 117: nothing outside the folder is read', async () => {
    await using outside = await temporaryFolder();
    await writeFile(join(outside.path, 'x.yaml'), entries(group('outside')));
    await symlink(join(outside.path, 'x.yaml'), join(folder.path, 'link.yaml'));
    const { length } = await core
      .call<{ path: string }[]>('GET', '/managed/blueprints/available/')
      .then((files) => files.filter(({ path }) => path === 'link.yaml'));
    expect(length).toBe(0);
    for (const path of ['../x.yaml', 'link.yaml', '/etc/passwd', 'nowhere.yaml'])
      await expect(core.call('POST', '/managed/blueprints/', { name: path, path })).rejects.toThrow(/400/);
    await rm(join(folder.path, 'link.yaml'));
  });

  test('another blueprint by its name is applied inside; a missing one matters only when required', async () => {
    await mkdir(join(folder.path, 'parts'), { recursive: true });
    const part = 'version: 1\nmetadata: {name: A part, labels: {blueprints.goauthentik.io/instantiate: "false"}}\n';
    await writeFile(
      join(folder.path, 'parts', 'part.yaml'),
      `${part}${entries(group('of a part')).split('\n').slice(1).join('\n')}`,
    );
    const meta = (name: string, required = true) =>
      `{model: authentik_blueprints.metaapplyblueprint, attrs: {identifiers: {name: ${name}}, required: ${required}}}`;
    expect((await apply(entries(meta('A part')))).body).toMatchObject({ success: true });
    expect(await groupsNamed('of a part')).toHaveLength(1);
    expect((await apply(entries(meta('Nothing', false)))).body.success).toBe(true);
    expect((await apply(entries(group('first'), meta('Nothing')))).body.success).toBe(false);
    expect(await groupsNamed('first')).toEqual([]);
  });

  test('core 119: an exported flow comes out the same where it is applied', async () => {
    const exported = await fetch(`${core.url}api/v3/flows/instances/default-authentication-flow/export/`, {
      headers: { Authorization: `Bearer ${core.adminToken}` },
    });
    expect(exported.headers.get('content-disposition')).toContain('flow-default-authentication-flow.yaml');
    const yaml = await exported.text();
    expect(yaml).not.toMatch(/[&*!][A-Za-z]/);
    await using second = await startTestCore({ fromNothing: true }); // its objects have keys of their own
    const shape = async (of: TestCore) => {
      const flow = await of.call<{ pk: string }>('GET', '/flows/instances/default-authentication-flow/');
      const { results } = await of.call<{ results: { order: number; stage_obj: { name: string } }[] }>(
        'GET',
        `/flows/bindings/?target=${flow.pk}&ordering=order`,
      );
      return results.map(({ order, stage_obj }) => [order, stage_obj.name]);
    };
    await second.call('DELETE', '/flows/instances/default-authentication-flow/');
    const body = new FormData();
    body.set('file', new Blob([yaml]), 'flow.yaml');
    const answer = await fetch(`${second.url}api/v3/managed/blueprints/import/`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${second.adminToken}` },
      body,
    });
    expect(await answer.json()).toMatchObject({ success: true, logs: [] });
    expect(await shape(second)).toEqual(await shape(core));
  }, 60_000);
});

describe('files of another installation', () => {
  // Shapes, names and slugs are those of the system we are compatible with (core.md §15.5, §20.4).
  const files: Readonly<Record<string, string>> = {
    'default/flow-default-authentication-flow.yaml': `version: 1
metadata: {name: Default - Authentication flow}
entries:
- model: authentik_blueprints.metaapplyblueprint
  attrs: {identifiers: {name: Default - Password change flow}, required: false}
- model: authentik_flows.flow
  id: flow
  identifiers: {slug: default-authentication-flow}
  attrs: {name: Hello, title: Hello from elsewhere, designation: authentication, authentication: none}
- model: authentik_stages_password.passwordstage
  id: password
  identifiers: {name: default-authentication-password}
  attrs:
    backends: [authentik.core.auth.InbuiltBackend, authentik.sources.kerberos.auth.KerberosBackend,
      authentik.sources.ldap.auth.LDAPBackend, authentik.core.auth.TokenBackend]
    configure_flow: !Find [authentik_flows.flow, [slug, default-password-change]]
- model: authentik_stages_identification.identificationstage
  id: identification
  identifiers: {name: default-authentication-identification}
  attrs: {user_fields: [email, username], template: stages/identification/login.html}
- model: authentik_flows.flowstagebinding
  identifiers: {order: 10, stage: !KeyOf identification, target: !KeyOf flow}
- model: authentik_flows.flowstagebinding
  id: binding
  identifiers: {order: 20, stage: !KeyOf password, target: !KeyOf flow}
  attrs: {re_evaluate_policies: true}
- model: authentik_policies_expression.expressionpolicy
  id: unless-known
  identifiers: {name: default-authentication-flow-password-stage}
  attrs:
    expression: |
      plan = request.context.get("flow_plan")
      return True if not plan else not hasattr(plan.context.get("pending_user"), "backend")
- model: authentik_policies.policybinding
  identifiers: {order: 10, target: !KeyOf binding, policy: !KeyOf unless-known}
  attrs: {failure_result: true}
`,
    'default/default-brand.yaml': `metadata: {name: Default - Brand}
version: 1
entries:
- model: authentik_blueprints.metaapplyblueprint
  attrs: {identifiers: {name: Default - Request flow}, required: false}
- model: authentik_brands.brand
  state: created
  conditions: [!Condition [NOR, !Find [authentik_brands.brand, [default, True]]]]
  identifiers: {domain: authentik-default, default: !Env [AUTHENTIK_DEFAULT_BRAND_ENABLED, True]}
  attrs: {flow_request: !Find [authentik_flows.flow, [slug, default-request]]}
`,
    'default/flow-oobe.yaml': `metadata: {name: Default - Out-of-box-experience flow}
version: 1
entries:
- model: authentik_policies_expression.expressionpolicy
  identifiers: {name: default-oobe-base-url-valid}
  attrs:
    expression: |
      from django.core.validators import URLValidator
      return URLValidator()(request.context["prompt_data"]["base_url"]) is None
- model: authentik_stages_prompt.prompt
  identifiers: {name: initial-setup-field-text}
  attrs: {field_key: header, label: Header, prompt_type: static, initial_value: Welcome}
`,
    'system/providers-saml.yaml': `metadata: {name: System - SAML Provider - Mappings}
version: 1
entries:
- model: authentik_core.group
  identifiers: {name: beside a missing kind}
- model: authentik_providers_saml.samlpropertymapping
  identifiers: {managed: goauthentik.io/providers/saml/upn}
  attrs: {name: UPN, saml_name: upn, expression: "return user.attributes.get('upn')"}
`,
    'system/providers-rac.yaml': `metadata: {name: System - RAC Provider - Mappings}
version: 1
entries:
- model: authentik_providers_rac.racpropertymapping
  identifiers: {managed: goauthentik.io/providers/rac/rdp-default}
  attrs: {name: RDP, expression: return None}
`,
  };

  test('core 121: what this release knows is applied as it is; unknown kinds are told, and nothing else breaks', async () => {
    await using theirs = await temporaryFolder();
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(theirs.path, path, '..'), { recursive: true });
      await writeFile(join(theirs.path, path), text);
    }
    await using other = await startTestCore({ blueprintsDir: theirs.path });
    const { results } = await other.call<{ results: { path: string; status: string; pk: string }[] }>(
      'GET',
      '/managed/blueprints/?page_size=100',
    );
    const status = Object.fromEntries(results.map((instance) => [instance.path, instance.status]));
    expect(status).toMatchObject({
      'default/flow-default-authentication-flow.yaml': 'successful',
      'default/default-brand.yaml': 'successful',
      'default/flow-oobe.yaml': 'successful',
      'system/providers-saml.yaml': 'error',
      'system/providers-rac.yaml': 'error',
    });
    expect(Object.values(status).filter((one) => one !== 'successful')).toEqual(['error', 'error']);
    const told = other.lines.map((line) => JSON.stringify(line)).filter((line) => line.includes('blueprint failed'));
    expect(told).toHaveLength(2);
    for (const line of told) expect(line).toMatch(/the model authentik_providers_(saml|rac)\.\w+ is unknown/);
    expect(await other.call('GET', '/core/groups/?name=beside%20a%20missing%20kind')).toMatchObject({ results: [] });
    expect(await other.call('GET', '/flows/instances/default-authentication-flow/')).toMatchObject({
      title: 'Hello from elsewhere',
    });
    expect(await other.call('GET', '/stages/prompt/prompts/?name=initial-setup-field-text')).toMatchObject({
      results: [{ type: 'static' }],
    });
    expect(await other.call('GET', '/events/events/?action=configuration_error')).toMatchObject({
      results: [{ context: { message: expect.stringContaining('django') } }],
    });
    const visitor = await createClient(() => other).logIn('ada');
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
  });
});
