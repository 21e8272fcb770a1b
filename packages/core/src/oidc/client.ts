// Clients of the OAuth2 endpoints: providers of kind OAuth2 and proxy with their application (core.md §4.2, §17.4, §17.5).
import { createHash, timingSafeEqual } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { ApiRequest } from '../api/request.ts';
import { remembered } from '../database/remembered.ts';
import type { CoreDeps } from '../deps.ts';
import { scopeMappingModel } from '../mappings/models.ts';
import type { Mapping } from '../mappings/run.ts';
import { matchesWhole } from '../models/pattern.ts';
import { OauthFailure } from './failure.ts';

const settings = z.object({
  client_type: z.string().default('confidential'),
  grant_types: z.array(z.string()).default([]),
  client_id: z.string().min(1),
  client_secret: z.string().default(''),
  access_code_validity: z.string().default('minutes=1'),
  access_token_validity: z.string().default('hours=1'),
  refresh_token_validity: z.string().default('days=30'),
  include_claims_in_id_token: z.boolean().default(true),
  signing_key: z.string().nullable().default(null),
  encryption_key: z.string().nullable().default(null),
  redirect_uris: z
    .array(
      z.object({ matching_mode: z.string(), url: z.string(), redirect_uri_type: z.string().default('authorization') }),
    )
    .default([]),
  sub_mode: z.string().default('hashed_user_id'),
  issuer_mode: z.string().default('per_provider'),
  refresh_token_threshold: z.string().default('seconds=0'),
  logout_uri: z.string().default(''),
  logout_method: z.string().default('backchannel'),
  jwt_federation_providers: z.array(z.number()).default([]),
  property_mappings: z.array(z.string()).default([]),
});

export const clientKinds = [
  'authentik_providers_oauth2.oauth2provider',
  'authentik_providers_proxy.proxyprovider',
] as const;

export interface ScopeMapping extends Mapping {
  readonly scope: string;
  /** Shown when the user is asked to consent. */
  readonly description: string;
}

/** A provider together with its application. */
export interface Client extends z.infer<typeof settings> {
  readonly pk: number;
  readonly name: string;
  readonly authenticationFlow: string | null;
  readonly authorizationFlow: string | null;
  readonly invalidationFlow: string | null;
  /** What it may hand on, in order of scope. */
  readonly mappings: readonly ScopeMapping[];
  readonly application: { readonly slug: string; readonly name: string; readonly pbm: string; readonly mode: string };
}

/** The client with this id, while the configuration stays as it is. A provider without application is no client. */
export const clientById = remembered((deps: CoreDeps, id) =>
  loadClient(deps, sql<boolean>`providers.settings->>'client_id' = ${id}`),
);

/** The client of the application with this slug. */
export const clientBySlug = remembered((deps: CoreDeps, slug) =>
  loadClient(deps, sql<boolean>`applications.slug = ${slug}`),
);

const clientByText = remembered((deps: CoreDeps, pk) => loadClient(deps, sql<boolean>`providers.id = ${Number(pk)}`));
/** The client that is the provider with this key. */
export const clientByKey = (deps: CoreDeps, pk: number) => clientByText(deps, String(pk));

async function loadClient({ database }: CoreDeps, condition: RawBuilder<boolean>): Promise<Client | undefined> {
  const row = await database.kysely
    .selectFrom('providers')
    .innerJoin('applications', 'applications.provider', 'providers.id')
    .selectAll('providers')
    .select([
      'applications.slug',
      'applications.name as title',
      'applications.pbm_uuid',
      'applications.policy_engine_mode',
    ])
    .where('providers.kind', 'in', [...clientKinds])
    .where(condition)
    .limit(1)
    .executeTakeFirst();
  const parsed = settings.safeParse(row?.settings);
  if (row === undefined || !parsed.success) return undefined;
  return {
    ...parsed.data,
    mappings: await scopeMappings(database, parsed.data.property_mappings),
    pk: row.id,
    name: row.name,
    authenticationFlow: row.authentication_flow,
    authorizationFlow: row.authorization_flow,
    invalidationFlow: row.invalidation_flow,
    application: { slug: row.slug, name: row.title, pbm: row.pbm_uuid, mode: row.policy_engine_mode },
  };
}

async function scopeMappings({ kysely }: CoreDeps['database'], keys: readonly string[]): Promise<ScopeMapping[]> {
  if (keys.length === 0) return [];
  const rows = await kysely
    .selectFrom('property_mappings')
    .selectAll()
    .where('uuid', 'in', [...keys])
    .where('kind', '=', scopeMappingModel.id)
    .execute();
  return rows
    .map(({ uuid, name, kind, settings: { expression, scope_name, description } }) => ({
      uuid,
      name,
      kind,
      expression: String(expression ?? ''),
      scope: String(scope_name ?? ''),
      description: String(description ?? ''),
    }))
    .sort((one, other) => (one.scope < other.scope ? -1 : 1));
}

/** Exact text, or a full match of the whole URI; script schemes never (core.md §17.4 step 2). */
export function allowsRedirect(client: Client, uri: string, type: 'authorization' | 'logout'): boolean {
  if (/^\s*(?:javascript|data|vbscript):/i.test(uri) || !URL.canParse(uri)) return false;
  return client.redirect_uris.some(({ matching_mode, url, redirect_uri_type }) => {
    if (redirect_uri_type !== type) return false;
    return matching_mode === 'regex' ? matchesWhole(url, uri) : url === uri;
  });
}

/** Fields of a form body; repeated names are refused (RFC 6749 §3.1). */
export function formOf(request: ApiRequest): ReadonlyMap<string, string> {
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(typeof request.body === 'string' ? request.body : '')) {
    if (form.has(name)) throw new OauthFailure(400, 'invalid_request', `The parameter ${name} is given twice.`);
    form.set(name, value);
  }
  return form;
}

interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** Of the Basic header, both parts percent-decoded, else of the body. */
export function credentialsOf(request: ApiRequest, form: ReadonlyMap<string, string>): Credentials {
  const basic = /^Basic +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (basic === undefined) return { id: form.get('client_id') ?? '', secret: form.get('client_secret') ?? '' };
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const at = text.indexOf(':');
  try {
    return { id: decodeURIComponent(text.slice(0, at)), secret: decodeURIComponent(text.slice(at + 1)) };
  } catch {
    return { id: '', secret: '' };
  }
}

/** Compared in constant time; an empty secret never holds. */
export function secretHolds(client: Client, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return client.client_secret !== '' && timingSafeEqual(digest(client.client_secret), digest(secret));
}

/** Whether the provider says so, or says nothing about it. */
export function mayUseGrant({ grant_types }: Pick<Client, 'grant_types'>, type: string): boolean {
  return grant_types.length === 0 || grant_types.includes(type);
}
