// `authentik_outposts.outpost` (core.md §9.2, §9.3): with each comes a service account, its token and its grants.

import { sql } from 'kysely';
import { z } from 'zod';
import { durationMs, parseDuration } from '../models/duration.ts';
import { choice, column, type Field, jsonColumn, line, relation } from '../models/field.ts';
import { exactly, ignoringCase } from '../models/filters.ts';
import { InvalidInput, invalidField, message } from '../models/invalid.ts';
import { defineModel, type Model, type Row, type Values } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { kindOfShape } from '../models/shapes.ts';
import { removeServiceAccount, serviceTokenIdentifier, storeServiceAccount } from './service-account.ts';

export const embeddedOutpost = 'goauthentik.io/outposts/embedded';

const kindOfType: Readonly<Record<string, readonly string[]>> = {
  ldap: ['authentik_providers_ldap.ldapprovider'],
  radius: ['authentik_providers_radius.radiusprovider'],
  proxy: ['authentik_providers_proxy.proxyprovider'],
};

/** Every key with its default (core-contract §4); a running outpost reads the first and `log_level` only. */
const configDefaults: Readonly<Record<string, unknown>> = {
  authentik_host: '',
  authentik_host_insecure: false,
  authentik_host_browser: '',
  log_level: 'info',
  object_naming_template: 'ak-outpost-%(name)s',
  refresh_interval: 'minutes=5',
  container_image: null,
  docker_network: null,
  docker_map_ports: true,
  docker_labels: null,
  kubernetes_replicas: 1,
  kubernetes_namespace: 'default',
  kubernetes_ingress_annotations: {},
  kubernetes_ingress_secret_name: 'authentik-outpost-tls',
  kubernetes_ingress_class_name: null,
  kubernetes_ingress_path_type: null,
  kubernetes_httproute_annotations: {},
  kubernetes_httproute_parent_refs: [],
  kubernetes_service_type: 'ClusterIP',
  kubernetes_disabled_components: [],
  kubernetes_image_pull_secrets: [],
  kubernetes_json_patches: null,
  kubernetes_disable_x509_strict: false,
};

/** Nothing is deployed from here, so there is none that could be named (core.md §11.4, second increment). */
const noConnection: Field = {
  place: { at: 'elsewhere' },
  schema: z.null({ error: ({ input }) => message.missing(input) }),
  initial: () => null,
  hidden: true,
};

export const outpostModel = defineModel({
  id: 'authentik_outposts.outpost',
  noun: 'Outpost',
  nouns: 'Outposts',
  table: 'outposts',
  key: 'uuid',
  keyType: 'uuid',
  path: '/outposts/instances/',
  fields: {
    name: column('name', line),
    type: column('type', choice('proxy', 'ldap', 'radius', 'rac')),
    providers: relation(
      { table: 'outpost_providers', own: 'outpost', other: 'provider' },
      { table: 'providers', key: 'id' },
    ),
    config: jsonColumn('config', { initial: configDefaults }),
    managed: column('managed', z.string().nullable(), { initial: null }),
    service_connection: noConnection,
  },
  search: ['name'],
  order: ['name'],
  filters: {
    name__iexact: ignoringCase('name'),
    managed__iexact: ignoringCase('managed'),
    name: exactly('name'),
    service_connection__name__iexact: () => sql<boolean>`false`,
    service_connection__name__icontains: () => sql<boolean>`false`,
    providers_by_pk: (values) =>
      sql<boolean>`uuid in (select outpost from outpost_providers where provider::text in (${sql.join([...values])}))`,
  },
  async prepare(unit, values, existing) {
    checkConfig(values['config']);
    await checkProviders(unit.db, values, existing);
    return values;
  },
  saved: (unit, row) => storeServiceAccount(unit.db, row),
  deleting: (unit, row) => removeServiceAccount(unit.db, String(row['uuid'])),
  derived: {
    providers_obj: z.array(kindOfShape),
    service_connection: z.null(),
    service_connection_obj: z.null(),
    refresh_interval_s: z.int(),
    token_identifier: z.string(),
  },
  async derive(deps, rows, query) {
    const links = await deps.database.kysely
      .selectFrom('outpost_providers')
      .innerJoin('providers', 'providers.id', 'outpost_providers.provider')
      .selectAll()
      .orderBy('providers.name')
      .execute();
    const objects = new Map<number, Row>();
    for (const row of links) {
      const model = deps.registry.ofKind('providers', row.kind);
      const [view] = model === undefined ? [] : await represent(deps, model, [row], query);
      if (view !== undefined) objects.set(row.id, baseOf(view));
    }
    return rows.map((row) => ({
      providers_obj: links.filter(({ outpost }) => outpost === row['uuid']).flatMap(({ id }) => objects.get(id) ?? []),
      service_connection: null,
      service_connection_obj: null,
      refresh_interval_s: refreshSeconds(row['config']),
      token_identifier: serviceTokenIdentifier(String(row['uuid'])),
    }));
  },
});

/** What lists of several kinds show of a provider: no secrets of any kind. */
function baseOf(view: Row): Row {
  const names = [
    'pk',
    'name',
    'authentication_flow',
    'authorization_flow',
    'invalidation_flow',
    'property_mappings',
    'component',
    'assigned_application_slug',
    'assigned_application_name',
    'assigned_backchannel_application_slug',
    'assigned_backchannel_application_name',
    'verbose_name',
    'verbose_name_plural',
    'meta_model_name',
  ];
  return Object.fromEntries(names.map((name) => [name, view[name]]));
}

function refreshSeconds(config: unknown): number {
  const value: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'refresh_interval') : null;
  return Math.floor(durationMs(value ?? configDefaults['refresh_interval']) / 1000);
}

/** Known keys must have the type of their default, or be null where that is the default. */
function checkConfig(config: unknown): void {
  if (typeof config !== 'object' || config === null) return;
  for (const [key, value] of Object.entries(config)) {
    if (!Object.hasOwn(configDefaults, key)) continue;
    const standard = configDefaults[key];
    if (standard !== null && value !== null && typeof value !== typeof standard)
      throw invalidField('config', `${key}: expected ${typeof standard}, got ${typeof value}.`);
    if (key === 'refresh_interval' && parseDuration(String(value)) === undefined)
      throw invalidField('config', `${value} is not in the correct format of 'hours=3;minutes=1'.`);
  }
}

async function checkProviders(
  db: Parameters<NonNullable<Model['prepare']>>[0]['db'],
  values: Values,
  existing: Row | undefined,
): Promise<void> {
  const providers = values['providers'];
  if (!Array.isArray(providers)) return;
  const managed = values['managed'] ?? existing?.['managed'];
  if (providers.length === 0 && managed !== embeddedOutpost)
    throw new InvalidInput({ providers: ['This list may not be empty.'] });
  if (providers.length === 0) return;
  const type = String(values['type'] ?? existing?.['type']);
  const rows = await db.selectFrom('providers').select(['name', 'kind']).where('id', 'in', providers).execute();
  const wrong = rows.find(({ kind }) => kindOfType[type]?.includes(kind) !== true);
  if (wrong !== undefined)
    throw invalidField('providers', `Outpost type ${type} can't be used with ${wrong.kind} providers.`);
}
