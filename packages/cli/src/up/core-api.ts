// The few calls that the single-command installation makes to its own core: tokens of its outposts, and its demo site.
import { z } from 'zod';
import { cliError } from '../errors.ts';

const outposts = z.object({
  results: z.array(z.object({ type: z.string(), managed: z.string().nullable(), token_identifier: z.string() })),
});
const token = z.object({ key: z.string() });
const providers = z.object({
  results: z.array(
    z.object({ pk: z.number(), name: z.string(), external_host: z.string(), internal_host: z.string() }),
  ),
});
const application = z.object({ meta_icon: z.string(), meta_icon_url: z.string().nullable() });
const sessions = z.object({ pagination: z.object({ count: z.number() }) });
const version = z.object({ version_current: z.string() });

/** What the core says of itself. */
export interface AboutCore {
  readonly version: string;
  /** People logged in. */
  readonly sessions: number;
}

export interface CoreApi {
  /** Key of the service account of the first outpost of this type that runs by itself. @throws GatewayError `ERR_CLI_CORE_API` */
  outpostToken(type: string): Promise<string>;
  /** Lets the demo site's provider point to where front door and site are now. */
  placeDemoSite(site: { readonly external: string; readonly internal: string }): Promise<void>;
  /** Gives the demo application a picture, uploaded as anybody would, unless it has one. */
  uploadDemoIcon(name: string, content: string): Promise<void>;
  /** Of the demo application; empty without one. */
  demoIcon(): Promise<string>;
  about(): Promise<AboutCore>;
}

export function createCoreApi(coreUrl: string, adminToken: string): CoreApi {
  const root = `${coreUrl}api/v3`;
  const ask = async <S extends z.ZodType>(path: string, shape: S, init: RequestInit = {}): Promise<z.infer<S>> => {
    const headers = { Authorization: `Bearer ${adminToken}`, ...(init.headers as Record<string, string> | undefined) };
    const response = await fetch(root + path, { ...init, headers, signal: AbortSignal.timeout(10_000) });
    const body: unknown = await response.json().catch(() => undefined);
    const { data, success } = shape.safeParse(body);
    if (response.ok && success) return data;
    throw cliError(
      'ERR_CLI_CORE_API',
      `The core answered ${init.method ?? 'GET'} ${path} with ${response.status}.`,
      'The bootstrap token was changed or deleted in the core: put its key into the file secrets/admin-token of the data folder.',
    );
  };
  const json = (method: string, body: object): RequestInit => {
    return { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  };
  return {
    async outpostToken(type) {
      const { results } = await ask('/outposts/instances/?page_size=100', outposts);
      const outpost = results.find((row) => row.type === type && row.managed === null);
      if (outpost === undefined)
        throw cliError(
          'ERR_CLI_CORE_API',
          `The core has no outpost of type ${type}.`,
          'Make one, or start with an empty data folder.',
        );
      return (await ask(`/core/tokens/${outpost.token_identifier}/view_key/`, token)).key;
    },
    async placeDemoSite({ external, internal }) {
      const { results } = await ask('/providers/proxy/?search=Demo+site', providers);
      const site = results.find(({ name }) => name === 'Demo site');
      if (site === undefined || (site.external_host === external && site.internal_host === internal)) return;
      const change = json('PATCH', { external_host: external, internal_host: internal });
      await ask(`/providers/proxy/${site.pk}/`, z.unknown(), change);
    },
    async uploadDemoIcon(name, content) {
      const { meta_icon } = await ask('/core/applications/demo/', application);
      if (meta_icon !== '') return;
      const form = new FormData();
      form.append('name', name);
      form.append('file', new Blob([content], { type: 'image/svg+xml' }), name);
      const headers = { Authorization: `Bearer ${adminToken}` };
      await fetch(`${root}/admin/file/`, { method: 'POST', headers, body: form }); // one that is there already serves as well
      await ask('/core/applications/demo/', z.unknown(), json('PATCH', { meta_icon: name }));
    },
    demoIcon: async () => (await ask('/core/applications/demo/', application)).meta_icon_url ?? '',
    async about() {
      const { version_current } = await ask('/admin/version/', version);
      const { pagination } = await ask('/core/authenticated_sessions/?page_size=1', sessions);
      return { version: version_current, sessions: pagination.count };
    },
  };
}
