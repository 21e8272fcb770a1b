// Flows for tests: made by the REST API like an administrator makes them.
import { createVisitor, type Visitor } from './visitor.ts';

interface Core {
  readonly url: string;
  readonly password: string;
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
}

export interface MadeFlow {
  readonly pk: string;
  readonly slug: string;
  readonly policybindingmodel_ptr_id: string;
  readonly bindings: readonly { readonly pk: string; readonly policybindingmodel_ptr_id: string }[];
}

const login = 'default-authentication-flow';
let made = 0;

/** A name that no other object of this test run has. */
export function uniqueName(kind: string): string {
  made += 1;
  return `${kind}-${made}`;
}

/** A flow of its own with these stages, in order. */
export async function makeFlow(
  core: Core,
  stages: readonly string[],
  settings: object = {},
  bindings: object = {},
): Promise<MadeFlow> {
  const slug = uniqueName('flow');
  const given = { name: slug, slug, title: slug, designation: 'authentication', ...settings };
  const flow = await core.call<Omit<MadeFlow, 'bindings'>>('POST', '/flows/instances/', given);
  const bound: MadeFlow['bindings'][number][] = [];
  for (const [at, stage] of stages.entries())
    bound.push(await core.call('POST', '/flows/bindings/', { target: flow.pk, stage, order: at * 10, ...bindings }));
  return { ...flow, bindings: bound };
}

/** A stage of this kind; the path is the one below `/stages/`. @returns its key */
export async function makeStage(core: Core, path: string, settings: object = {}): Promise<string> {
  const stage = { name: uniqueName('stage'), ...settings };
  return (await core.call<{ pk: string }>('POST', `/stages/${path}/`, stage)).pk;
}

export async function stageNamed(core: Core, path: string, name: string): Promise<string> {
  const { results } = await core.call<{ results: { pk: string }[] }>('GET', `/stages/${path}/?name=${name}`);
  return results[0]?.pk ?? '';
}

export async function makeUser(core: Core, settings: object = {}): Promise<{ pk: number; username: string }> {
  const username = uniqueName('user');
  const user = { username, name: username, ...settings };
  const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', user);
  await core.call('POST', `/core/users/${pk}/set_password/`, { password: core.password });
  return { pk, username };
}

/** A visitor in a session of this user, by the default flow. */
export async function visitorAs(core: Core, username: string, headers: Record<string, string> = {}): Promise<Visitor> {
  const visitor = createVisitor(core.url, headers);
  await visitor.flow(login);
  await visitor.flow(login, { uid_field: username });
  const { component } = await visitor.flow(login, { password: core.password });
  if (component !== 'xak-flow-redirect') throw new Error(`${username} was not logged in, but got ${component}`);
  return visitor;
}

/** Binds a policy, group or user to a target. */
export function bind(core: Core, target: string | undefined, values: object): Promise<{ pk: string }> {
  return core.call('POST', '/policies/bindings/', { target, order: 0, ...values });
}
