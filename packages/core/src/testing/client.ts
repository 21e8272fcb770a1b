// What the tests of the core share: calls with any token, and users without rights.
import { type TestCore, testPassword } from './index.ts';
import { createVisitor } from './visitor.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

export interface Client {
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** A user without any right, with a key for the API. */
  plainUser(name: string): Promise<{ readonly pk: number; readonly key: string }>;
  /** A visitor that is logged in. */
  logIn(username: string, password?: string): Promise<ReturnType<typeof createVisitor>>;
}

export function createClient(core: () => TestCore): Client {
  return {
    async ask(method, path, body, token = core().adminToken) {
      const response = await fetch(`${core().url}api/v3${path}`, {
        method,
        headers: {
          ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: parsed(text), headers: response.headers };
    },
    async plainUser(name) {
      const user = await core().call<{ pk: number }>('POST', '/core/users/', { username: name, name });
      await core().call('POST', '/core/tokens/', { identifier: `${name}-api`, intent: 'api', user: user.pk });
      const { key } = await core().call<{ key: string }>('GET', `/core/tokens/${name}-api/view_key/`);
      return { pk: user.pk, key };
    },
    async logIn(username, password = testPassword) {
      const visitor = createVisitor(core().url);
      const flow = 'default-authentication-flow';
      await visitor.flow(flow);
      await visitor.flow(flow, { uid_field: username });
      await visitor.flow(flow, { password });
      return visitor;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
