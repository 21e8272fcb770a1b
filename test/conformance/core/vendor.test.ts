// The REST API against the OpenAPI document that the vendor's own client is made from: every path that both have answers in
// the shape that generated clients expect; and our own document is a valid one that lists everything.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv, type ValidateFunction } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createAnswerCheck, type Document, nullable } from './document.ts';

let core: TestCore;
let vendor: Document;
let ours: Document;
let ajv: Ajv;
/** Compiling one takes longer than a thousand checks. */
const checks = new Map<string, ValidateFunction>();

beforeAll(async () => {
  core = await startTestCore();
  const file = createRequire(import.meta.url)
    .resolve('@goauthentik/api/package.json')
    .replace(/package\.json$/, 'schema.yml');
  vendor = parse(await readFile(file, 'utf8')) as Document; // the vendor's file has this shape
  ours = (await (await fetch(`${core.url}api/v3/schema/`)).json()) as Document; // checked below
  ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: 'vendor', components: nullable(vendor.components, 'vendor') });
  await populate();
}, 90_000);
afterAll(() => core[Symbol.asyncDispose]());

/** One of each kind that the seeds do not make. */
async function populate() {
  await core.call('POST', '/core/tokens/', { identifier: 'some-token' });
  await core.call('POST', '/rbac/roles/', { name: 'some role' });
  await core.call('POST', '/crypto/certificatekeypairs/generate/', {
    common_name: 'some',
    validity_days: 5,
    alg: 'ecdsa',
  });
  await core.call('POST', '/events/events/', { action: 'authorize_application', app: 'test', context: { a: 1 } });
  await core.call('POST', '/events/transports/', { name: 'some transport' });
  await core.call('POST', '/events/rules/', { name: 'some rule' });
  const { pk } = await core.call<{ pk: string }>('POST', '/policies/dummy/', { name: 'some policy' });
  const { results } = await core.call<{ results: { pk: string }[] }>(
    'GET',
    '/core/applications/?superuser_full_list=true',
  );
  await core.call('POST', '/policies/bindings/', { target: results[0]?.pk, policy: pk, order: 5 });
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  await core.call('POST', '/providers/oauth2/', {
    name: 'some client',
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-provider-invalidation-flow'),
    redirect_uris: [{ matching_mode: 'strict', url: 'https://some.test/' }],
  });
  await core.call('POST', '/policies/reputation/', { name: 'some reputation' });
  await core.call('POST', '/policies/password_expiry/', { name: 'some expiry', days: 5 });
  await core.call('POST', '/stages/deny/', { name: 'some denial' });
  await core.call('POST', '/stages/redirect/', {
    name: 'some redirect',
    mode: 'static',
    target_static: 'https://some.test/',
  });
  await core.call('POST', '/stages/dummy/', { name: 'some dummy' });
  await core.call('POST', '/propertymappings/provider/radius/', { name: 'some reply', expression: 'return None' });
  await core.worker.drain();
}

async function get(path: string) {
  const response = await fetch(`${core.url}api/v3${path}`, { headers: { Authorization: `Bearer ${core.adminToken}` } });
  return { status: response.status, body: (await response.json()) as { results?: { pk?: unknown }[] } };
}

/** Where core.md, from the running product, knows better than the vendor's schema. */
const known = [
  /^\/core\/brands\/current\/ \/flags must have required property/, // anonymous visitors see two flags only (§9.6)
  /^\/tasks\/.* \/?.*rel_obj_(app_label|model) must be string/, // null without a related object (§11.6)
  /^\/providers\/oauth2\/\{id\}\/setup_urls/, // addresses of the application are null without one (§11.3)
];

/** What is wrong with an answer by the vendor's schema of it. */
function problems(path: string, body: unknown): string[] {
  const schema = vendor.paths[path]?.['get']?.responses['200']?.content?.['application/json']?.schema;
  if (schema === undefined) return [];
  const check = checks.get(path) ?? ajv.compile(nullable(schema, 'vendor') as object);
  checks.set(path, check);
  if (check(body)) return [];
  const errors = (check.errors ?? []).filter(
    ({ instancePath, message }) => !known.some((one) => one.test(`${path} ${instancePath} ${message}`)),
  );
  return [
    ...new Set(errors.map(({ instancePath, message }) => `${path} ${instancePath.replace(/\/\d+/g, '/n')} ${message}`)),
  ];
}

/** Needs a parameter, or shows something else than JSON. */
const notPlain = new Set([
  '/rbac/permissions/roles/',
  '/rbac/permissions/assigned_by_roles/',
  '/schema/',
  '/admin/file/used_by/',
]);

describe('shapes', () => {
  test('every list and page that both have is what the vendor says', async () => {
    const paths = Object.keys(vendor.paths).filter(
      (path) =>
        !path.includes('{') &&
        !notPlain.has(path) &&
        ours.paths[path]?.['get'] !== undefined &&
        vendor.paths[path]?.['get'] !== undefined,
    );
    expect(paths.length).toBeGreaterThan(50);
    const wrong: string[] = [];
    for (const path of paths) {
      const { status, body } = await get(path);
      if (status !== 200) wrong.push(`${path} answers ${status}`);
      else wrong.push(...problems(path, body));
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  test('so is one object of each kind', async () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const path of Object.keys(ours.paths)) {
      const one = Object.keys(vendor.paths).find(
        (other) => other.startsWith(`${path}{`) && other.split('/').length === path.split('/').length + 1,
      );
      if (one === undefined || !path.endsWith('/') || path.includes('{') || vendor.paths[one]?.['get'] === undefined)
        continue;
      const { body: list } = await get(`${path}?page_size=3&superuser_full_list=true`);
      for (const row of list.results ?? []) {
        const key = keyOf(one, row);
        const { status, body } = await get(`${path}${key}/`);
        seen += 1;
        if (status !== 200) wrong.push(`${path}${key}/ answers ${status}`);
        else wrong.push(...problems(one, body));
      }
    }
    expect([...new Set(wrong)]).toEqual([]);
    expect(seen).toBeGreaterThan(60);
  }, 120_000);
});

function keyOf(path: string, row: object): string {
  const name = /\{(\w+)\}\/$/.exec(path)?.[1] ?? '';
  const own: unknown = ['slug', 'identifier', 'message_id', 'uuid', 'id'].includes(name)
    ? Reflect.get(row, name)
    : undefined;
  return String(own ?? Reflect.get(row, 'pk'));
}

describe('our own document', () => {
  test('core 27: it is valid OpenAPI', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate({ ...structuredClone(ours) });
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test('core 27: every operation tells what it answers', () => {
    const silent = Object.entries(ours.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { responses }]) => {
        const told = Object.entries(responses).filter(([status]) => status.startsWith('2'));
        const schemas = told.flatMap(([, { content = {} }]) => Object.values(content).map(({ schema }) => schema));
        const isTold = schemas.length > 0 && schemas.every((schema) => Object.keys(schema ?? {}).length > 0);
        return isTold || (schemas.length === 0 && told.length === 1) ? [] : [`${method} ${path}`];
      }),
    );
    expect(silent).toEqual([]);
    expect(
      Object.entries(ours.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
        .length,
    ).toBeGreaterThan(350);
  });

  test('core 27: whatever can be read without a parameter is what it says, and it names every field', async () => {
    const check = createAnswerCheck(ours);
    const wrong: string[] = [];
    for (const path of Object.keys(ours.paths)) {
      if (path.includes('{') || notPlain.has(path) || ours.paths[path]?.['get'] === undefined) continue;
      const response = await fetch(`${core.url}api/v3${path}`, {
        headers: { Authorization: `Bearer ${core.adminToken}` },
      });
      if (response.status !== 200) wrong.push(`${path} answers ${response.status}`);
      wrong.push(...check.problems('GET', path, { status: response.status, text: await response.text() }));
    }
    expect(wrong).toEqual([]);
    expect(check.checked.size).toBeGreaterThan(80);
  }, 120_000);

  test('core 27: what core.md §11 tags F1 is in it, with the vendor’s methods', () => {
    const first = Object.keys(vendor.paths).filter((path) => firstRelease.some((pattern) => pattern.test(path)));
    const shape = (path: string) => path.replace(/\{\w+\}/g, '{}');
    const served = new Map(Object.entries(ours.paths).map(([path, methods]) => [shape(path), Object.keys(methods)]));
    const missing = first.flatMap((path) =>
      Object.keys(vendor.paths[path] ?? {})
        .filter((method) => !served.get(shape(path))?.includes(method))
        .map((method) => `${method} ${path}`),
    );
    expect(missing).toEqual([]);
  });
});

const kinds =
  'identification|password|user_login|user_logout|user_write|consent|deny|dummy|redirect|prompt/stages|prompt/prompts';
const firstRelease = [
  /^\/core\/(users|groups|applications|tokens|brands|authenticated_sessions)\/(\{\w+\}\/)?(used_by\/)?$/,
  /^\/core\/(users\/(me|paths|service_account|\{id\}\/set_password)|tokens\/\{identifier\}\/(view|set)_key|groups\/\{group_uuid\}\/(add|remove)_user|brands\/current|applications\/\{slug\}\/check_access|transactional\/applications|authenticated_sessions\/bulk_delete)\/$/,
  /^\/providers\/(all|oauth2|proxy|ldap|radius)\/(\{id\}\/|types\/)?(used_by\/|setup_urls\/|preview_user\/)?$/,
  /^\/propertymappings\/(all|provider\/(scope|radius))\/(\{\w+\}\/|types\/)?(used_by\/)?$/,
  /^\/outposts\/(instances\/(\{uuid\}\/(health\/)?|default_settings\/)?|proxy\/|ldap\/(\{id\}\/check_access\/)?|radius\/(\{id\}\/check_access\/)?)$/,
  /^\/flows\/(bindings\/(\{\w+\}\/)?|executor\/\{\w+\}\/|inspector\/\{\w+\}\/|instances\/(\{slug\}\/((export|execute)\/)?|cache_info\/|cache_clear\/)?)$/,
  new RegExp(
    `^/stages/(all|${kinds}|authenticator/(validate|totp|static))/(\\{\\w+\\}/|types/|user_settings/)?(used_by/)?$`,
  ),
  /^\/stages\/prompt\/prompts\/preview\/$/,
  /^\/policies\/(all|bindings|expression|password|password_expiry|reputation|dummy|event_matcher)\/(\{\w+\}\/(test\/|used_by\/)?|types\/|cache_info\/|cache_clear\/)?$/,
  /^\/authenticators\/(all|totp|static|admin\/(all|totp|static))\/(\{\w+\}\/)?(used_by\/)?$/,
  /^\/events\/(notifications|rules|transports)\/(\{\w+\}\/|mark_all_seen\/)?(test\/|used_by\/)?$/,
  /^\/(core\/application_entitlements|core\/user_consent|rbac\/initial_permissions|propertymappings\/notification)\/(\{\w+\}\/(used_by\/)?)?$/,
  /^\/events\/events\/(\{\w+\}\/|actions\/|volume\/|top_per_user\/|stats\/)?$/,
  /^\/crypto\/certificatekeypairs\/(\{\w+\}\/(view_certificate\/|view_private_key\/|used_by\/)?|generate\/)?$/,
  /^\/managed\/blueprints\/(\{\w+\}\/(apply\/|used_by\/)?|available\/|import\/)?$/,
  /^\/tasks\/(tasks\/(\{\w+\}\/(retry\/)?|status\/)?|schedules\/(\{id\}\/(send\/)?)?|workers\/)$/,
  /^\/admin\/(system|version|version\/history|settings|apps|models|file)\/$/,
  /^\/root\/config\/$/,
];
