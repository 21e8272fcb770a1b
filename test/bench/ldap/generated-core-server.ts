// A core that makes up a directory of any size: pages of users and groups as our own core sends them, a flow that lets everybody in
// after the time that a password hash takes, and a log of changes. A real core needs minutes to list a hundred thousand users, and a
// processor to hash passwords; what is measured is the outpost. A process of its own, so that what it works holds up no answer that the
// load waits for. Started by generated-core.ts with the numbers of users and groups; told there of renamed users.
import { createServer, type IncomingMessage } from 'node:http';
import { setTimeout as later } from 'node:timers/promises';
import { generatedPerson, isRenaming } from './generated-core.ts';
import { attributes, type Person, uidOf } from './source.ts';

/** Groups that everybody is in. */
const factors = [1, 7, 13];
const pageSize = 100;
const time = '2026-01-02T03:04:05.678901Z';
const hashMs = 30;

const [users = 0, groups = 0] = process.argv.slice(2).map(Number);
const people = Array.from({ length: users }, (_, at) => generatedPerson(at));
const names = new Map<number, string>();
const members = Array.from({ length: groups }, (): number[] => []);
for (const { pk } of people) for (const group of groupsOf(pk, groups)) members[group]?.push(pk);
const service: Person = { pk: 1, username: 'ldapservice', uid: uidOf(1, 'bench'), name: 'Service', mail: '' };
const everybody = [service, ...people];
let cursor = 1;
let changed: readonly number[] = [];
const user = (person: Person) => userRow({ ...person, name: names.get(person.pk) ?? person.name }, groups);
const answers: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
  '/outposts/instances/': () =>
    page([{ pk: groupId(0), name: 'bench', type: 'ldap', refresh_interval_s: 300, config: { log_level: 'error' } }]),
  '/root/config/': () => ({ cache_timeout_flows: 300 }),
  '/outposts/ldap/': () => page([provider]),
  '/outposts/ldap/1/check_access/': () => ({ access: { passing: true, messages: [] }, has_search_permission: true }),
  '/core/users/': (query) => pageOf(query, everybody.length, (at) => user(everybody[at] ?? service)),
  '/core/groups/': (query) => pageOf(query, groups, (at) => groupRow(at, members[at] ?? [])),
  '/outposts/sync/': (query) => ({
    cursor: String(cursor),
    reset: false,
    users: {
      changed: query.get('since') === String(cursor) ? [] : changed.map((pk) => user(everybody[pk - 1] ?? service)),
      gone: [],
    },
    groups: { changed: [], gone: [] },
  }),
};
const pks = new Map(everybody.map(({ username, pk }) => [username, pk]));
const answerTo = async (request: IncomingMessage) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://core');
  const path = pathname.replace('/api/v3', '');
  const username = /authentik_session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
  if (path === '/core/users/me/') return { body: { user: { pk: pks.get(username), username } }, username };
  if (!path.startsWith('/flows/executor/')) return { body: answers[path]?.(searchParams), username };
  if (request.method !== 'POST') return { body: identification, username };
  const answer: unknown = JSON.parse(await textOf(request));
  await later(hashMs);
  return { body: { component: 'xak-flow-redirect', to: '/' }, username: nameIn(answer) };
};
const server = createServer((request, response) => {
  void answerTo(request).then(({ body, username }) => {
    response.statusCode = body === undefined ? 404 : 200;
    response.setHeader('content-type', 'application/json');
    response.setHeader('set-cookie', `authentik_session=${username}; Path=/`);
    response.end(JSON.stringify(body ?? { detail: 'Not found.' }));
  });
});
server.listen(0, '127.0.0.1', () => {
  const at = server.address();
  process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
});
process.on('message', (message) => {
  if (!isRenaming(message)) return;
  for (const pk of message.pks) names.set(pk, message.name);
  changed = message.pks;
  cursor += 1;
  process.send?.('renamed');
});
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));

const provider = {
  pk: 1,
  name: 'Directory',
  base_dn: 'DC=ldap,DC=goauthentik,DC=io',
  bind_flow_slug: 'bind',
  unbind_flow_slug: null,
  application_slug: 'ldap',
  certificate: null,
  tls_server_name: '',
  uid_start_number: 2000,
  gid_start_number: 4000,
  search_mode: 'cached',
  bind_mode: 'cached',
  mfa_support: true,
};

const groupId = (at: number) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;

function groupsOf(pk: number, count: number): number[] {
  return [...new Set(factors.map((factor) => (pk * factor + factor) % count))];
}

function userRow({ pk, username, uid, name, mail }: Person, groups: number) {
  return {
    pk,
    username,
    name,
    is_active: true,
    last_login: null,
    date_joined: time,
    is_superuser: false,
    groups: groupsOf(pk, groups).map(groupId),
    groups_obj: null,
    roles: [],
    roles_obj: null,
    email: mail,
    avatar: `/static/dist/assets/images/user_default.png?user=${username}`,
    attributes,
    uid,
    path: 'users',
    type: 'internal',
    uuid: groupId(1_000_000 + pk),
    password_change_date: time,
    last_updated: time,
  };
}

function groupRow(at: number, users: readonly number[]) {
  return {
    pk: groupId(at),
    num_pk: 10_000 + at,
    name: `bench group ${at}`,
    is_superuser: false,
    parents: [],
    parents_obj: null,
    users,
    users_obj: null,
    attributes: {},
    roles: [],
    roles_obj: [],
    children: [],
    children_obj: [],
  };
}

function page(results: readonly unknown[], next = 0, count = results.length) {
  return {
    pagination: { next, previous: 0, count, current: 1, total_pages: 1, start_index: 1, end_index: count },
    results,
  };
}

function pageOf(query: URLSearchParams, count: number, row: (at: number) => unknown) {
  const number = Number(query.get('page') ?? 1);
  const size = Math.min(pageSize, Number(query.get('page_size') ?? pageSize));
  const from = (number - 1) * size;
  const to = Math.min(count, from + size);
  const results = Array.from({ length: Math.max(0, to - from) }, (_, at) => row(from + at));
  return page(results, to < count ? number + 1 : 0, count);
}

const identification = {
  component: 'ak-stage-identification',
  user_fields: ['username'],
  password_fields: true,
  flow_designation: 'authentication',
  sources: [],
};

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function nameIn(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'uid_field' in answer ? String(answer.uid_field) : '';
}
