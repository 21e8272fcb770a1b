// What the commands ask of the core without running an outpost. Called by commands/run.ts.
import { createCoreClient, createFlowSession } from '@gatehouse/contract/client';
import {
  certificateData,
  groupRow,
  type LdapProviderRow,
  ldapProviderRow,
  type OutpostRow,
  outpostRow,
  userRow,
} from '@gatehouse/contract/rest';
import { contractVersion } from '@gatehouse/contract/versions';
import type { Secret } from '@gatehouse/daemon/config';
import { foldValue } from '@gatehouse/wire/ldap';
import { Layout } from './directory/layout.ts';
import { createLiveDirectory } from './directory/live.ts';
import type { CustomTypes } from './mapping/custom-attributes.ts';
import type { Provider } from './providers/provider.ts';

export interface CoreInspection extends AsyncDisposable {
  /** How far the core's clock is ahead of ours, in milliseconds; a second more or less is the network. */
  clockAheadMs(nowMs: number): Promise<number | undefined>;
  outpost(): Promise<OutpostRow | undefined>;
  providers(): Promise<readonly LdapProviderRow[]>;
  /** Lists users and groups, as searches would. @throws GatewayError `ERR_CONTRACT_FORBIDDEN` and others */
  readDirectory(): Promise<void>;
  /** PEM of a provider's certificate, and whether its key can be read. */
  certificate(id: string): Promise<{ readonly pem: string; readonly hasKey: boolean }>;
  /** The first thing that a flow asks. */
  firstChallenge(flowSlug: string): Promise<string>;
  /** Everything that a provider shows, in memory. */
  layout(provider: Provider, types: CustomTypes): Promise<Layout>;
  /** Names of groups of which there is none. */
  unknownGroups(names: readonly string[]): Promise<readonly string[]>;
}

const patienceMs = 15_000;

export function inspectCore(
  config: { readonly host: string; readonly token: Secret; readonly insecure: boolean },
  pageSize: number,
): CoreInspection {
  const core = createCoreClient({ ...config, userAgent: 'goauthentik.io/outpost/doctor' });
  const limit = () => ({ signal: AbortSignal.timeout(patienceMs) });
  return {
    async clockAheadMs(nowMs) {
      const call = { method: 'GET', target: core.target('/root/config/'), headers: {}, timeoutMs: patienceMs } as const;
      const { date } = (await core.raw(call)).headers;
      const there = Date.parse(String(date));
      return Number.isNaN(there) ? undefined : there - nowMs;
    },
    outpost: async () => (await core.pages('/outposts/instances/', outpostRow, limit()))[0],
    providers: () => core.pages('/outposts/ldap/', ldapProviderRow, limit()),
    async readDirectory() {
      // Names that nobody has: whether we may ask is all that counts.
      await core.pages('/core/users/', userRow, { ...limit(), query: { username: 'gatehouse doctor' } });
      await core.pages('/core/groups/', groupRow, { ...limit(), query: { name: 'gatehouse doctor' } });
    },
    async certificate(id) {
      const path = `/crypto/certificatekeypairs/${encodeURIComponent(id)}/`;
      const { data: pem } = await core.get(`${path}view_certificate/`, certificateData, limit());
      const { data: key } = await core.get(`${path}view_private_key/`, certificateData, limit());
      return { pem, hasKey: key !== '' };
    },
    async firstChallenge(flowSlug) {
      const session = createFlowSession(core, { remoteIp: '127.0.0.1' });
      const query = { 'goauthentik.io/outpost/ldap': 'true', 'goauthentik.io/outpost/ldap-warmup': 'true' };
      return (await session.challenge(flowSlug, query, limit().signal)).component;
    },
    async layout(provider, types) {
      const live = createLiveDirectory(core, types, Math.max(100, pageSize));
      const directory = await live.read({ users: [{}], groups: [{}] }, AbortSignal.timeout(patienceMs * 20));
      const facts = { version: contractVersion, saslMechanisms: [], passwordModify: false };
      return new Layout(directory, { provider, types, facts });
    },
    async unknownGroups(names) {
      const unknown: string[] = [];
      for (const name of names) {
        const found = await core.pages('/core/groups/', groupRow, { ...limit(), query: { search: name } });
        if (!found.some((row) => foldValue(row.name) === foldValue(name))) unknown.push(name);
      }
      return unknown;
    },
    [Symbol.asyncDispose]: () => core.close(),
  };
}
