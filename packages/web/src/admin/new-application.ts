// What is asked for a new application: a website behind the proxy, or a client of OpenID Connect. The fields follow the kind.
import { html, LitElement, type TemplateResult } from 'lit';
import type { Api } from '../call/api.ts';
import type { Values } from '../elements/dialog.ts';
import { field, inputField } from '../elements/field.ts';

export class NewApplicationFields extends LitElement {
  static override properties = { kind: { state: true } };
  declare kind: string | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const choose = (event: Event) => {
      if (event.target instanceof HTMLSelectElement) this.kind = event.target.value;
    };
    return html`${inputField({ name: 'name', label: 'Name', required: true, placeholder: 'Wiki' })}
    ${field({ name: 'kind', label: 'What is it?' }, ({ id }) => {
      return html`<span class="pf-v6-c-form-control gh-select"
        ><select id=${id} name="kind" @change=${choose}>
          <option value="proxy">A website that knows no login: put one in front of it</option>
          <option value="oidc">An application that speaks OpenID Connect</option>
        </select></span
      >`;
    })}
    ${this.kind === 'oidc' ? oidcFields() : proxyFields()}`;
  }
}

function proxyFields(): TemplateResult {
  return html`${inputField({
    name: 'external_host',
    label: 'Address that people open',
    type: 'url',
    required: true,
    placeholder: 'https://wiki.example.org',
  })}
  ${inputField({
    name: 'internal_host',
    label: 'Address of the website itself',
    type: 'url',
    placeholder: 'http://10.0.0.7:8080',
    help: 'Leave it empty when nginx, Traefik, Caddy, HAProxy or Envoy passes requests on and only asks whether it may.',
  })}`;
}

function oidcFields(): TemplateResult {
  return inputField({
    name: 'redirect_uri',
    label: 'Where a login ends (redirect URI)',
    type: 'url',
    required: true,
    placeholder: 'https://wiki.example.org/callback',
    help: 'The application names it in its own settings.',
  });
}

interface Keyed {
  readonly pk: string;
  readonly slug: string;
}

export interface MadeApplication {
  readonly slug: string;
  /** Of an OpenID Connect client: what goes into the application's settings. */
  readonly client?: { readonly id: string; readonly secret: string; readonly discovery: string };
}

/** Application and provider together, or neither; a proxied website is given to an outpost, too. */
export async function makeApplication(api: Api, values: Values): Promise<MadeApplication> {
  const { name = '', kind } = values;
  const slug =
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'application';
  const flows = await api.all<Keyed>('/flows/instances/');
  const flow = (wanted: string) => flows.find((one) => one.slug === wanted)?.pk;
  const common = {
    name,
    authorization_flow: flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: flow('default-provider-invalidation-flow'),
  };
  const provider = kind === 'oidc' ? await oidcProvider(api, values) : proxyProvider(values);
  await api.send('PUT', '/core/transactional/applications/', {
    app: { name, slug },
    provider_model:
      kind === 'oidc' ? 'authentik_providers_oauth2.oauth2provider' : 'authentik_providers_proxy.proxyprovider',
    provider: { ...common, ...provider },
  });
  const { provider: pk } = await api.get<{ provider: number }>(`/core/applications/${slug}/`);
  if (kind !== 'oidc') {
    await giveToOutpost(api, pk);
    return { slug };
  }
  const { client_id: id, client_secret: secret } = await api.get<{ client_id: string; client_secret: string }>(
    `/providers/oauth2/${pk}/`,
  );
  const discovery = new URL(`../../application/o/${slug}/.well-known/openid-configuration`, location.href).href;
  return { slug, client: { id, secret, discovery } };
}

function proxyProvider({ external_host = '', internal_host = '' }: Values) {
  return { external_host, internal_host, mode: internal_host === '' ? 'forward_single' : 'proxy' };
}

/** With the usual scopes, and signed by the first key there is. */
async function oidcProvider(api: Api, { redirect_uri: url = '' }: Values) {
  const [scopes, keys] = await Promise.all([
    api.all<Keyed & { scope_name: string }>('/propertymappings/provider/scope/').catch(() => []),
    api.all<Keyed>('/crypto/certificatekeypairs/', { has_key: true }),
  ]);
  const usual = new Set(['openid', 'profile', 'email', 'offline_access']);
  return {
    client_type: 'confidential',
    redirect_uris: [{ matching_mode: 'strict', url, redirect_uri_type: 'authorization' }],
    property_mappings: scopes.filter(({ scope_name: scope }) => usual.has(scope)).map(({ pk }) => pk),
    signing_key: keys[0]?.pk ?? null,
  };
}

interface OutpostRow {
  readonly pk: string;
  readonly type: string;
  readonly managed: string | null;
  readonly providers: readonly number[];
}

/** The one of the front door where there is one, else the first that is a proxy. */
async function giveToOutpost(api: Api, provider: number): Promise<void> {
  const outposts = (await api.all<OutpostRow>('/outposts/instances/')).filter(({ type }) => type === 'proxy');
  const chosen = outposts.find(({ managed }) => managed !== null && managed !== '') ?? outposts[0];
  if (chosen === undefined) return;
  const providers = [...chosen.providers, provider];
  await api.send('PATCH', `/outposts/instances/${chosen.pk}/`, { providers });
}
