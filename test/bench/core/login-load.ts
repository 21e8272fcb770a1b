// Logins to measure with: people with app passwords, a flow that asks for these (they are compared, not hashed), and visitors
// who go through it as an outpost's clients do, over kept connections, by a client that does nothing else.
import { createLeanClient, type LeanClient } from './lean-client.ts';
import { password, type Subject } from './subject.ts';

const people = 50;
/** GET, POST and where it leads, POST and where it leads. */
const requestsPerLogin = 5;

/** What one login took a client. */
export interface Waited {
  readonly ms: number;
  /** Ids of its requests. */
  readonly requests: readonly string[];
}

export interface LoginLoad {
  readonly client: LeanClient;
  /** By app password through an outpost, no hash. */
  coldLogin(n: number): Promise<Waited>;
  /** By the administrator's password, which is hashed. */
  passwordLogin(): Promise<Waited>;
  /** As many requests that only touch the database. */
  bareRequests(): Promise<Waited>;
}

export async function createLoginLoad(core: Subject): Promise<LoginLoad> {
  const client = createLeanClient(core.url.slice(0, -1));
  const persons = await makePersons(core);
  await appPasswordFlow(core);
  const headers = await outpostHeaders(core);
  return {
    client,
    coldLogin: (n) => login(client, { slug: 'bench', headers, ...persons[n % people] }),
    passwordLogin: () => login(client, { slug: 'default-authentication-flow', name: 'akadmin', key: password }),
    async bareRequests() {
      const startedMs = performance.now();
      const requests: string[] = [];
      for (let n = 0; n < requestsPerLogin; n += 1) requests.push((await client.get('/-/health/ready/')).id);
      return { ms: performance.now() - startedMs, requests };
    },
  };
}

interface Person {
  readonly name: string;
  readonly key: string;
}

interface Way extends Partial<Person> {
  readonly slug: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function login(client: LeanClient, { slug, name = '', key = '', headers = {} }: Way): Promise<Waited> {
  const visitor = client.visitor(headers);
  await visitor.flow(slug);
  await visitor.flow(slug, { uid_field: name });
  const { body } = await visitor.flow(slug, { password: key });
  if (!body.includes('xak-flow-redirect')) throw new Error(`${name} got ${body}`);
  return { ms: visitor.waitedMs, requests: visitor.requests };
}

/** How an outpost says for whom it speaks. */
async function outpostHeaders(core: Subject): Promise<Readonly<Record<string, string>>> {
  const { results } = await core.call<{ results: { token_identifier: string }[] }>('GET', '/outposts/instances/');
  const { key } = await core.call<{ key: string }>('GET', `/core/tokens/${results[0]?.token_identifier}/view_key/`);
  return { 'x-authentik-remote-ip': '192.0.2.7', 'x-authentik-outpost-token': key };
}

async function makePersons(core: Subject): Promise<Person[]> {
  const made: Person[] = [];
  for (let n = 0; n < people; n += 1) {
    const name = `bench-${n}`;
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', { username: name, name });
    await core.call('POST', '/core/tokens/', { identifier: `bench-${n}`, intent: 'app_password', user: pk });
    const { key } = await core.call<{ key: string }>('GET', `/core/tokens/bench-${n}/view_key/`);
    made.push({ name, key });
  }
  return made;
}

async function appPasswordFlow(core: Subject): Promise<void> {
  const stageNamed = async (path: string, name: string) =>
    (await core.call<{ results: { pk: string }[] }>('GET', `/stages/${path}/?name=${name}`)).results[0]?.pk;
  const { pk: byToken } = await core.call<{ pk: string }>('POST', '/stages/password/', {
    name: 'app passwords only',
    backends: ['authentik.core.auth.TokenBackend'],
  });
  const given = { name: 'bench', slug: 'bench', title: 'bench', designation: 'authentication' };
  const flow = await core.call<{ pk: string }>('POST', '/flows/instances/', given);
  const stages = [
    await stageNamed('identification', 'default-authentication-identification'),
    byToken,
    await stageNamed('user_login', 'default-authentication-login'),
  ];
  for (const [at, stage] of stages.entries())
    await core.call('POST', '/flows/bindings/', { target: flow.pk, stage, order: at });
}
