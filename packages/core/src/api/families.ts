// The families of kinds whose members are also listed together.
import { sql } from 'kysely';
import { exactly, isNull, isTruthText } from '../models/filters.ts';
import { ofApplication } from '../providers/models.ts';
import type { Base } from './bases.ts';

const backchannel = sql<boolean>`kind in ('authentik_providers_ldap.ldapprovider', 'authentik_providers_scim.scimprovider')`;

export const families: readonly Base[] = [
  {
    id: 'authentik_core.provider',
    noun: 'Provider',
    path: '/providers/all/',
    table: 'providers',
    key: 'id',
    keyType: 'integer',
    shows: [
      'name',
      'authentication_flow',
      'authorization_flow',
      'invalidation_flow',
      'property_mappings',
      'assigned_application_slug',
      'assigned_application_name',
      'assigned_backchannel_application_slug',
      'assigned_backchannel_application_name',
    ],
    filters: {
      ...ofApplication,
      backchannel: ([value = '']) => (isTruthText(value) ? backchannel : sql<boolean>`not ${backchannel}`),
    },
  },
  {
    id: 'authentik_flows.stage',
    noun: 'Stage',
    path: '/stages/all/',
    table: 'stages',
    key: 'uuid',
    keyType: 'uuid',
    shows: ['name', 'flow_set'],
  },
  {
    id: 'authentik_policies.policy',
    noun: 'Policy',
    path: '/policies/all/',
    table: 'policies',
    key: 'uuid',
    keyType: 'uuid',
    shows: ['name', 'execution_logging', 'bound_to'],
    filters: {
      promptstage__isnull: ([value = '']) => {
        const judging = sql<boolean>`exists (select 1 from stages s where s.settings->'validation_policies' ? policies.uuid::text)`;
        return isTruthText(value) ? sql<boolean>`not ${judging}` : judging;
      },
      bindings__isnull: ([value = '']) => {
        const bound = sql<boolean>`uuid in (select policy from policy_bindings where policy is not null)`;
        return isTruthText(value) ? sql<boolean>`not ${bound}` : bound;
      },
    },
  },
  {
    id: 'authentik_core.propertymapping',
    noun: 'Property Mapping',
    path: '/propertymappings/all/',
    table: 'property_mappings',
    key: 'uuid',
    keyType: 'uuid',
    shows: ['name', 'expression', 'managed'],
    filters: { managed: exactly('managed'), managed__isnull: isNull('managed') },
  },
];
