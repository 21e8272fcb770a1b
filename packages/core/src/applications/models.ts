// `authentik_core.application` (core.md §4.1).

import { z } from 'zod';
import { groupedBy } from '../database/grouped.ts';
import type { CoreDeps } from '../deps.ts';
import {
  column,
  engineMode,
  type Field,
  fileField,
  flag,
  line,
  reference,
  relation,
  slug,
  text,
} from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { defineModel, type Row } from '../models/model.ts';
import { fieldValue, represent } from '../models/represent.ts';
import { kindOfShape, themedUrls } from '../models/shapes.ts';

const reserved = new Set(['authorize', 'token', 'device', 'userinfo', 'introspect', 'revoke']);

/** Kept together in one column, since nothing is ever selected by them. */
const shown = (schema: z.ZodType, initial: unknown): Field => ({
  place: { at: 'setting' },
  schema,
  initial: () => initial,
});

export const applicationModel = defineModel({
  id: 'authentik_core.application',
  noun: 'Application',
  nouns: 'Applications',
  table: 'applications',
  key: 'pbm_uuid',
  keyType: 'uuid',
  path: '/core/applications/',
  lookup: 'slug',
  bindingKey: 'pbm_uuid',
  fields: {
    name: column('name', line),
    slug: column(
      'slug',
      slug.refine((value) => !reserved.has(value), { error: 'This slug is reserved.' }),
    ),
    provider: reference({ name: 'provider', in: 'column', table: 'providers', key: 'id' }),
    backchannel_providers: relation(
      { table: 'application_backchannel', own: 'application', other: 'provider' },
      { table: 'providers', key: 'id' },
    ),
    open_in_new_tab: shown(flag, false),
    meta_launch_url: shown(text, ''),
    meta_icon: fileField(shown(text, '')),
    meta_description: shown(text, ''),
    meta_publisher: shown(text, ''),
    meta_hide: shown(flag, false),
    policy_engine_mode: column('policy_engine_mode', engineMode, { initial: 'any' }),
    group: column('group', text, { initial: '' }),
  },
  formerNames: { icon: 'meta_icon' },
  search: ['name', 'slug', 'group'],
  order: ['name'],
  filters: { name: exactly('name'), slug: exactly('slug'), group: exactly('group') },
  derived: {
    provider_obj: kindOfShape.nullable(),
    backchannel_providers_obj: z.array(kindOfShape),
    launch_url: z.string().nullable(),
    meta_icon_url: z.string().nullable(),
    meta_icon_themed_urls: themedUrls,
  },
  async derive(deps, rows, query) {
    const behind = await backchannelOf(deps, rows);
    const providers = await providersOf(
      deps,
      [...rows.map((row) => row['provider']), ...[...behind.values()].flat()],
      query,
    );
    return Promise.all(
      rows.map(async (row) => {
        const icon = fieldValue(applicationModel, row, 'meta_icon');
        const others = behind.get(String(row['pbm_uuid'])) ?? [];
        return {
          provider_obj: providers.get(row['provider']) ?? null,
          backchannel_providers_obj: others.flatMap((pk) => providers.get(pk) ?? []),
          launch_url: launchUrl(row, providers.get(row['provider'])),
          meta_icon_url: (await deps.files.url(icon)) || null,
          meta_icon_themed_urls: await deps.files.themedUrls(icon),
        };
      }),
    );
  },
});

/** Providers of the back channel, by application, in order of their keys. */
async function backchannelOf({ database }: CoreDeps, rows: readonly Row[]): Promise<ReadonlyMap<string, number[]>> {
  const keys = rows.map((row) => String(row['pbm_uuid']));
  if (keys.length === 0) return new Map();
  const bound = await database.kysely
    .selectFrom('application_backchannel')
    .selectAll()
    .where('application', 'in', keys)
    .orderBy('provider')
    .execute();
  const found = groupedBy(bound, ({ application }) => application);
  return new Map([...found].map(([application, ofOne]) => [application, ofOne.map(({ provider }) => provider)]));
}

/** Shown as lists of providers show them, by key. */
async function providersOf(deps: CoreDeps, asked: readonly unknown[], query: URLSearchParams) {
  const objects = new Map<unknown, Row>();
  const pks = [...new Set(asked.filter((pk) => pk !== null).map(Number))];
  if (pks.length === 0) return objects;
  const stored = await deps.database.kysely.selectFrom('providers').selectAll().where('id', 'in', pks).execute();
  for (const [kind, ofKind] of groupedBy(stored, (provider) => provider.kind)) {
    const model = deps.registry.ofKind('providers', kind);
    const views = model === undefined ? [] : await represent(deps, model, ofKind, query);
    for (const view of views) objects.set(view['pk'], view);
  }
  return objects;
}

function launchUrl(row: Row, provider: Row | undefined): string | null {
  const settings = row['settings'];
  const own: unknown =
    typeof settings === 'object' && settings !== null ? Reflect.get(settings, 'meta_launch_url') : '';
  if (typeof own === 'string' && own !== '') return own;
  const host = provider?.['external_host'];
  return typeof host === 'string' && host !== '' ? host : originOfRedirect(provider?.['redirect_uris']);
}

const redirectUris = z.array(z.object({ url: z.string(), redirect_uri_type: z.string().default('authorization') }));

/** Of the first place where a login may end; patterns have none (core.md §4.1). */
function originOfRedirect(given: unknown): string | null {
  const uris = redirectUris.safeParse(given).data ?? [];
  const first = uris.find(({ redirect_uri_type: type, url }) => type === 'authorization' && URL.canParse(url));
  return first === undefined ? null : new URL(first.url).origin;
}
