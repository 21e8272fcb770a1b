// "No error path can answer success" (ldap.md §6.4): whatever a bind calls on its way throws once, each call in its turn, and
// the client is not told success, nobody is bound, and nothing is thrown any further.
import type { CoreClient } from '@gatehouse/contract/client';
import { systemClock } from '@gatehouse/daemon/async';
import { Secret } from '@gatehouse/daemon/config';
import { createLogger } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { createVerdictCache } from '@gatehouse/outpost/verdicts';
import { describe, expect, test } from 'vitest';
import { type BindVerdict, createLogins } from '../authentication/logins.ts';
import { createLdapMetrics } from '../metrics.ts';
import { base, build } from '../testing/random-directory.ts';
import type { OperationContext } from './context.ts';
import { dispatch } from './dispatch.ts';

const { provider } = build([]).layout.context;
const name = `cn=alice,ou=users,${base}`;
const bindRequest = {
  op: 'bindRequest' as const,
  version: 3,
  name,
  authentication: { kind: 'simple' as const, password: Buffer.from('pw') },
};

type RawAnswer = Awaited<ReturnType<CoreClient['raw']>>;

/** Counts the calls of what it is put around, and throws at one of them. */
class Steps {
  count = 0;
  readonly names: string[] = [];
  readonly #fatal: number;

  constructor(fatal: number) {
    this.#fatal = fatal;
  }

  around<T extends object>(target: T, path: string): T {
    return new Proxy(target, {
      get: (own, key) => {
        const value: unknown = Reflect.get(own, key, own);
        const where = `${path}.${String(key)}`;
        if (typeof value === 'function')
          return (...given: unknown[]) => {
            this.#take(where);
            return Reflect.apply(value, own, given);
          };
        return isPlain(value) ? this.around(value, where) : value;
      },
    });
  }

  #take(where: string): void {
    this.names.push(where);
    if (this.count++ === this.#fatal) throw new Error(`thrown inside ${where}`);
  }
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof AbortSignal) && !Array.isArray(value);
}

/** A core with one flow: the name with its password, then the end. */
function scriptedCore(): Pick<CoreClient, 'address' | 'options' | 'target' | 'raw'> {
  let isIn = false;
  const answer = (status: number, body: unknown): RawAnswer => {
    const claims = Buffer.from(JSON.stringify({ sid: 'key', authenticated: isIn })).toString('base64url');
    const headers = { 'set-cookie': `authentik_session=e30.${claims}.x; Path=/` };
    return { status, headers, body: JSON.stringify(body) };
  };
  return {
    address: { origin: 'http://core', prefix: '/', socketPath: undefined, query: new URLSearchParams() },
    options: { host: 'http://core/', token: new Secret('t'), insecure: false, userAgent: 'goauthentik.io/outpost/1' },
    target: (path) => `/api/v3${path}`,
    async raw({ method, target }) {
      if (target.includes('/users/me/'))
        return answer(200, { user: { pk: 7, username: 'alice', email: '', uid: 'u', groups: [] } });
      if (target.includes('check_access'))
        return answer(200, { access: { passing: true }, has_search_permission: true });
      if (isIn) return answer(200, { component: 'xak-flow-redirect', to: '/' });
      isIn = method === 'POST';
      if (!isIn) return answer(200, { component: 'ak-stage-identification', password_fields: true });
      return { ...answer(302, ''), headers: { ...answer(302, '').headers, location: target } };
    },
  };
}

/** Binds as often as asked on one connection, the last time with the steps around everything. */
async function bindWith(steps: Steps, before: number) {
  const clock = systemClock;
  const metrics = createLdapMetrics(createMetrics());
  const verdicts = createVerdictCache<BindVerdict>({ clock, maxEntries: 10 });
  const counted = { add: () => undefined, observe: () => undefined };
  const outpostMetrics = { flowTotal: counted, flowGet: counted, flowPost: counted };
  const config = {
    ldap: {
      bind_cache_ttl: 60_000,
      mfa_remember: 0,
      mfa_required: [],
      mfa_code_first: [],
      mfa_send_codes: false,
      login_timeout: 10_000,
      throttle_failures: 5,
      throttle_max_wait: 1_000,
      extra_bind_forms: [],
      require_tls: 'off',
      anonymous_bind: 'refuse',
    },
  };
  const peer = {
    identity: undefined as unknown,
    boundName: '',
    cursors: { clear: () => undefined },
    clientIp: '192.0.2.7',
    secure: false,
  };
  const log = createLogger({ level: 'info', name: 'ldap', destination: { write: () => undefined } });
  const bindOnce = async (around: <T extends object>(target: T, path: string) => T) => {
    const outpost: unknown = { core: around(scriptedCore(), 'client'), metrics: around(outpostMetrics, 'outpost') };
    const logins = createLogins({
      outpost: () => outpost as never,
      config: config as never,
      clock: around(clock, 'clock'),
      verdicts: around(verdicts, 'verdicts'),
      signal: new AbortController().signal,
    });
    const core = { logins, providers: () => [provider], outpostName: () => 'o' };
    const context: unknown = {
      peer: around(peer, 'peer'),
      core: around(core, 'core'),
      config,
      log: around(log, 'log'),
      metrics: around(metrics, 'metrics'),
      clock: around(clock, 'clock'),
      controls: [],
    };
    return dispatch({ messageId: 1, op: bindRequest, controls: [] }, context as OperationContext);
  };
  for (let time = 0; time < before; time += 1) await bindOnce((target) => target);
  const { op } = await bindOnce((target, path) => steps.around(target, path));
  return { code: 'resultCode' in op ? op.resultCode : undefined, identity: peer.identity };
}

describe.each([
  ['a bind that asks the core', 0],
  ['a bind that is remembered', 1],
])('%s', (_what, before) => {
  test('succeeds when nothing throws', async () => {
    const steps = new Steps(Number.POSITIVE_INFINITY);
    expect(await bindWith(steps, before)).toMatchObject({ code: 0, identity: { username: 'alice' } });
    expect(steps.names.join(' ')).toContain(before === 0 ? 'client.raw' : 'verdicts.find');
  });

  test('is no success when any step throws', async () => {
    const whole = new Steps(Number.POSITIVE_INFINITY);
    await bindWith(whole, before);
    expect(whole.count).toBeGreaterThan(5);
    for (let fatal = 0; fatal < whole.count; fatal += 1) {
      const steps = new Steps(fatal);
      const { code, identity } = await bindWith(steps, before);
      expect([steps.names.at(fatal), code === 0, identity]).toEqual([steps.names.at(fatal), false, undefined]);
    }
  });
});
