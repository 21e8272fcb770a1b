// What is asked for a new application: a website behind the proxy, a client of OpenID Connect, or one that asks by LDAP or
// RADIUS. The fields follow the kind.
import { html, LitElement, type TemplateResult } from 'lit';
import type { Api } from '../call/api.ts';
import type { Values } from '../elements/dialog.ts';
import { field, inputField } from '../elements/field.ts';
import type { DeployedOutpost } from './deployment.ts';

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
          <option value="ldap">Something that asks an LDAP directory</option>
          <option value="radius">Networks or devices that ask a RADIUS server</option>
        </select></span
      >`;
    })}
    ${(kinds[this.kind ?? 'proxy'] ?? proxyFields)()}`;
  }
}

const kinds: Readonly<Record<string, () => TemplateResult>> = {
  proxy: proxyFields,
  oidc: oidcFields,
  ldap: ldapFields,
  radius: radiusFields,
};

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

function ldapFields(): TemplateResult {
  return inputField({
    name: 'base_dn',
    label: 'Base DN',
    required: true,
    value: 'DC=ldap,DC=goauthentik,DC=io',
    help: 'Everything the directory shows is below it.',
  });
}

function radiusFields(): TemplateResult {
  return html`${inputField({
    name: 'client_networks',
    label: 'Networks of the clients',
    required: true,
    value: '0.0.0.0/0, ::/0',
    help: 'Access points, switches and concentrators; networks with commas between.',
  })}
  ${inputField({
    name: 'shared_secret',
    label: 'Shared secret',
    help: 'Leave it empty to have one drawn; it is shown at the provider.',
  })}`;
}

interface Keyed {
  readonly pk: string;
  readonly slug: string;
}

export interface MadeApplication {
  readonly slug: string;
  /** That serves it and has to be started. */
  readonly outpost?: DeployedOutpost;
  /** Of an OpenID Connect client: what goes into the application's settings. */
  readonly client?: { readonly id: string; readonly secret: string; readonly discovery: string };
}

/** Application and provider together, or neither; what an outpost serves is given to one, too. */
export async function makeApplication(api: Api, values: Values): Promise<MadeApplication> {
  const { name = '', kind = 'proxy' } = values;
  const slug =
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'application';
  await api.send('PUT', '/core/transactional/applications/', {
    app: { name, slug },
    provider_model: providerModels[kind],
    provider: { name, ...(await flowsFor(api, kind)), ...(await settingsFor(api, kind, values)) },
  });
  const { provider: pk } = await api.get<{ provider: number }>(`/core/applications/${slug}/`);
  if (kind === 'oidc') return { slug, client: await clientOf(api, slug, pk) };
  const outpost = await giveToOutpost(api, kind, pk);
  return outpost === undefined ? { slug } : { slug, outpost };
}

const providerModels: Readonly<Record<string, string>> = {
  proxy: 'authentik_providers_proxy.proxyprovider',
  oidc: 'authentik_providers_oauth2.oauth2provider',
  ldap: 'authentik_providers_ldap.ldapprovider',
  radius: 'authentik_providers_radius.radiusprovider',
};

/** Binds and RADIUS logins run through the login itself; browsers come with one. */
async function flowsFor(api: Api, kind: string) {
  const flows = await api.all<Keyed>('/flows/instances/');
  const flow = (wanted: string) => flows.find((one) => one.slug === wanted)?.pk;
  return kind === 'ldap' || kind === 'radius'
    ? {
        authorization_flow: flow('default-authentication-flow'),
        invalidation_flow: flow('default-invalidation-flow'),
      }
    : {
        authorization_flow: flow('default-provider-authorization-implicit-consent'),
        invalidation_flow: flow('default-provider-invalidation-flow'),
      };
}

async function settingsFor(api: Api, kind: string, values: Values): Promise<object> {
  const { base_dn, client_networks, shared_secret = '' } = values;
  if (kind === 'oidc') return oidcProvider(api, values);
  if (kind === 'ldap') return { base_dn };
  if (kind === 'radius') return { client_networks, ...(shared_secret === '' ? {} : { shared_secret }) };
  return proxyProvider(values);
}

async function clientOf(api: Api, slug: string, provider: number) {
  const { client_id: id, client_secret: secret } = await api.get<{ client_id: string; client_secret: string }>(
    `/providers/oauth2/${provider}/`,
  );
  const discovery = new URL(`../../application/o/${slug}/.well-known/openid-configuration`, location.href).href;
  return { id, secret, discovery };
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

interface OutpostRow extends DeployedOutpost {
  readonly pk: string;
  readonly managed: string | null;
  readonly providers: readonly number[];
}

/** The one of the front door where there is one, else the first of the type, else a new one.
 * @returns the outpost where it is one that has to be started */
async function giveToOutpost(api: Api, type: string, provider: number): Promise<DeployedOutpost | undefined> {
  const outposts = (await api.all<OutpostRow>('/outposts/instances/')).filter((outpost) => outpost.type === type);
  const embedded = outposts.find(({ managed }) => managed !== null && managed !== '');
  const chosen = embedded ?? outposts[0];
  if (chosen === undefined)
    return api.send<OutpostRow>('POST', '/outposts/instances/', { name: type, type, providers: [provider] });
  const providers = [...chosen.providers, provider];
  await api.send('PATCH', `/outposts/instances/${chosen.pk}/`, { providers });
  return chosen === embedded ? undefined : chosen;
}
