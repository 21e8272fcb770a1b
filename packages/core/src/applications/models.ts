// `authentik_core.application` (core.md §4.1).

import { z } from 'zod';
import { groupedBy } from '../database/grouped.ts';
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
    const pks = rows.map((row) => row['provider']).filter((pk) => pk !== null);
    const providers =
      pks.length === 0
        ? []
        : await deps.database.kysely.selectFrom('providers').selectAll().where('id', 'in', pks.map(Number)).execute();
    const objects = new Map<unknown, Row>();
    for (const [kind, ofKind] of groupedBy(providers, (provider) => provider.kind)) {
      const model = deps.registry.ofKind('providers', kind);
      const views = model === undefined ? [] : await represent(deps, model, ofKind, query);
      for (const view of views) objects.set(view['pk'], view);
    }
    return Promise.all(
      rows.map(async (row) => {
        const icon = fieldValue(applicationModel, row, 'meta_icon');
        return {
          provider_obj: objects.get(row['provider']) ?? null,
          backchannel_providers_obj: [],
          launch_url: launchUrl(row, objects.get(row['provider'])),
          meta_icon_url: (await deps.files.url(icon)) || null,
          meta_icon_themed_urls: await deps.files.themedUrls(icon),
        };
      }),
    );
  },
});

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
