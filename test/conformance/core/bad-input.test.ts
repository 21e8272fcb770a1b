// What the API answers to whatever it is given ("Bad input and faults" of the core): never trouble of ours, and what is wrong
// by the name of its field.
import { createClient, startTestCore, type TestCore } from '@gatehouse/core/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
const { ask, logIn } = createClient(() => core);

beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const raw = async (path: string, body: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${core.url}api/v3${path}`, {
    method: 'POST',
    body,
    headers: { Authorization: `Bearer ${core.adminToken}`, 'Content-Type': 'application/json', ...headers },
  });
  return { status: response.status, body: (await response.json()) as unknown };
};

describe('bodies', () => {
  test.each([
    ['not JSON', '{"name": ', 400],
    ['no object', '["name"]', 400],
    ['a text', '"name"', 400],
    ['empty', '', 400],
    ['another encoding of nothing', '\u0000', 400],
  ])('%s: %s', async (_what, body, status) => {
    const answer = await raw('/core/groups/', body);
    expect(answer).toMatchObject({ status });
  });

  test('another content type is 415', async () => {
    expect(await raw('/core/groups/', 'name=x', { 'Content-Type': 'application/x-www-form-urlencoded' })).toMatchObject(
      {
        status: 415,
        body: { detail: expect.any(String) },
      },
    );
  });

  test('more than a mebibyte is 413, for pages of flows too, and nothing of it is kept', async () => {
    const name = 'x'.repeat(1_100_000);
    expect(await raw('/core/groups/', JSON.stringify({ name }))).toMatchObject({ status: 413 });
    const flow = await fetch(`${core.url}api/v3/flows/executor/default-authentication-flow/`, {
      method: 'POST',
      body: JSON.stringify({ uid_field: name }),
      headers: { 'Content-Type': 'application/json' },
    });
    expect(flow.status).toBe(413);
    const form = await fetch(`${core.url}application/o/token/`, {
      method: 'POST',
      body: new URLSearchParams({ code: name }),
    });
    expect(form.status).toBe(413);
  });

  test('a deeply nested object is refused or kept, and harms nobody', async () => {
    const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    const { status } = await raw('/core/groups/', `{"name": "deep", "attributes": ${deep}}`);
    expect([201, 400]).toContain(status);
    expect((await ask('GET', '/core/groups/?name=deep')).status).toBe(200);
  });

  test('keys that objects inherit are values like any other', async () => {
    const { status } = await raw(
      '/core/groups/',
      '{"name": "inherits", "__proto__": {"is_superuser": true}, "constructor": 1}',
    );
    expect(status).toBe(201);
    expect(await core.call('GET', '/core/groups/?name=inherits')).toMatchObject({ results: [{ is_superuser: false }] });
  });
});

describe('fields', () => {
  test.each([
    ['/core/users/', { username: 5, name: 'n' }, { username: ['Invalid input: expected string, received number'] }],
    ['/core/users/', { username: 'u', name: 'n', is_active: 'perhaps' }, { is_active: expect.any(Array) }],
    ['/core/users/', { username: 'u', name: 'n', attributes: [] }, { attributes: expect.any(Array) }],
    ['/core/users/', { username: 'u', name: 'n', groups: ['nobody'] }, { groups: [expect.stringContaining('nobody')] }],
    ['/core/users/', { username: 'u', name: 'n', type: 'robot' }, { type: ['"robot" is not a valid choice.'] }],
    ['/core/groups/', { name: null }, { name: ['This field may not be null.'] }],
    ['/core/groups/', {}, { name: ['This field is required.'] }],
    ['/core/groups/', { name: '' }, { name: ['This field may not be blank.'] }],
    ['/core/applications/', { name: 'a', slug: 'not a slug' }, { slug: expect.any(Array) }],
    [
      '/providers/ldap/',
      { name: 'l', authorization_flow: 'x', invalidation_flow: 'y' },
      { authorization_flow: expect.any(Array), invalidation_flow: expect.any(Array) },
    ],
    ['/policies/bindings/', { target: 'x', order: 0 }, { non_field_errors: expect.any(Array) }],
    ['/core/tokens/', { identifier: 'not a slug' }, { identifier: expect.any(Array) }],
    ['/stages/user_login/', { name: 's', session_duration: 'long' }, { session_duration: expect.any(Array) }],
    ['/crypto/certificatekeypairs/', { name: 'c', certificate_data: 'x' }, { certificate_data: expect.any(Array) }],
  ])('%s %j', async (path, body, expected) => {
    expect(await ask('POST', path, body)).toMatchObject({ status: 400, body: expected });
  });

  test('whatever a field is given, on any resource, the answer is the caller’s to mend', async () => {
    const schema = await core.call<Document>('GET', '/schema/');
    const wrong: unknown[] = [];
    const odd = fc.oneof(
      fc.constantFrom('\u0000', 'a\u0000b', '', ' ', '\ud800', '2'.repeat(400), '-1', 'NaN', '{}', '00000000'),
      fc.constantFrom(2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e300, -1, 0.5),
      fc.constantFrom(null, true, [], {}, [null], [{}], [['x']], { a: '\u0000' }, [2 ** 40], ['\u0000']),
    );
    const creations = Object.entries(schema.paths).filter(
      ([path, methods]) => methods['post'] !== undefined && !path.includes('{') && !unfit.has(path),
    );
    expect(creations.length).toBeGreaterThan(40);
    for (const [path, { post }] of creations) {
      const names = fieldsOf(schema, post);
      await fc.assert(
        fc.asyncProperty(
          fc.record(Object.fromEntries(names.map((name) => [name, odd])), { requiredKeys: [] }),
          async (body) => {
            const { status } = await ask('POST', path, { ...plausible(names), ...body });
            if (status >= 500) wrong.push([path, body, status]);
          },
        ),
        { numRuns: 12, seed: 59, endOnFailure: true },
      );
    }
    expect(wrong).toEqual([]);
  }, 240_000);
});

describe('addresses', () => {
  test.each([
    '/core/users/abc/',
    '/core/users/99999999999999999999/',
    '/core/users/-1/',
    '/core/groups/%00/',
    '/core/groups/not-a-uuid/',
    '/core/applications/%F0%9F%92%A5/',
    '/core/tokens/%00/',
    '/flows/instances/..%2F..%2Fx/',
    '/policies/bindings/00000000-0000-0000-0000-000000000000/',
  ])('%s is 404', async (path) => {
    expect(await ask('GET', path)).toMatchObject({ status: 404 });
  });

  test.each([
    'page=abc',
    'page=-1',
    'page=99999999999999999999',
    'page_size=abc',
    'page_size=-5',
    'ordering=%00',
    'search=%00',
    'name=%00',
    'is_superuser=maybe',
    'members_by_pk=abc',
    'members_by_pk=99999999999999',
    'attributes=%7B%22a%22%3A%22%5Cu0000%22%7D',
    'attributes=%7B%22a__gt%22%3A%22x%22%7D',
  ])('a list with %s is the caller’s to mend', async (query) => {
    const { status } = await ask('GET', `/core/groups/?${query}`);
    expect([200, 400, 404]).toContain(status);
  });

  test('a cookie that was made up is no session, whatever is in it', async () => {
    for (const cookie of ['', 'x', '..', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJzaWQiOiIxIn0.', '%00', 'a'.repeat(8_000)]) {
      const answer = await fetch(`${core.url}api/v3/core/users/me/`, {
        headers: { Cookie: `authentik_session=${cookie}` },
      });
      expect(answer.status).toBe(403);
    }
    const visitor = await logIn('ada');
    const good = visitor.cookies.get('authentik_session') ?? '';
    const [head, payload, mac = ''] = good.split('.');
    visitor.setCookie('authentik_session', `${head}.${payload}.${mac.split('').reverse().join('')}`);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
  });
});

interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>;
  };
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
}

/** Uploads, and what would make keys for minutes. */
const unfit = new Set(['/admin/file/', '/managed/blueprints/import/', '/crypto/certificatekeypairs/generate/']);

function fieldsOf({ components }: Document, operation: Operation | undefined): string[] {
  const schema = operation?.requestBody?.content['application/json']?.schema;
  const name = schema?.$ref?.split('/').at(-1);
  const found = name === undefined ? schema : components.schemas[name];
  return Object.keys((found as { properties?: object } | undefined)?.properties ?? {}); // a schema, by reference or in place
}

/** So that what is odd is not always the only thing that is wrong. */
function plausible(names: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {
    name: `odd ${Math.random()}`,
    slug: `odd-${Date.now()}`,
    identifier: `odd-${Date.now()}`,
  };
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}
