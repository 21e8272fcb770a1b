// Property mappings (core.md §7): texts that compute what a provider hands on.
import { z } from 'zod';
import { checkExpression } from '../expressions/check.ts';
import { column, type Field, line, type ModelId, setting, text } from '../models/field.ts';
import { exactly, isNull } from '../models/filters.ts';
import { defineModel, type Model } from '../models/model.ts';

interface MappingKind {
  readonly id: ModelId;
  readonly noun: string;
  readonly path: string;
  readonly component: string;
  readonly fields?: Readonly<Record<string, Field>>;
}

function mappingModel({ id, noun, path, component, fields = {} }: MappingKind): Model {
  return defineModel({
    id,
    noun,
    nouns: `${noun}s`,
    table: 'property_mappings',
    kind: id,
    key: 'uuid',
    keyType: 'uuid',
    path: `/propertymappings/${path}/`,
    component,
    fields: {
      managed: column('managed', z.string().nullable(), { initial: null }),
      name: column('name', line),
      expression: setting(line),
      ...fields,
    },
    search: ['name'],
    order: ['name'],
    filters: { name: exactly('name'), managed: exactly('managed'), managed__isnull: isNull('managed') },
    prepare: checkExpression,
  });
}

export const scopeMappingModel = mappingModel({
  id: 'authentik_providers_oauth2.scopemapping',
  noun: 'Scope Mapping',
  path: 'provider/scope',
  component: 'ak-property-mapping-provider-scope-form',
  fields: {
    scope_name: setting(line),
    description: setting(text, { initial: '' }),
  },
});

export const radiusMappingModel = mappingModel({
  id: 'authentik_providers_radius.radiusproviderpropertymapping',
  noun: 'RADIUS Provider Property Mapping',
  path: 'provider/radius',
  component: 'ak-property-mapping-provider-radius-form',
});

/** Body or headers of a webhook that tells of events. */
const webhookMappingModel = mappingModel({
  id: 'authentik_events.notificationwebhookmapping',
  noun: 'Webhook Mapping',
  path: 'notification',
  component: 'ak-property-mapping-notification-form',
});

export const mappingModels: readonly Model[] = [scopeMappingModel, radiusMappingModel, webhookMappingModel];
