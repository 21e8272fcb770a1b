// Every right there is (core.md §10.5): four for each model and for each family of kinds, the extra ones that models name,
// and those of the system.
import { appLabel, type Model, modelName } from '../models/model.ts';
import type { Registry } from '../models/registry.ts';

export interface Right {
  /** Place in the catalogue of this version, from 1. */
  readonly id: number;
  readonly name: string;
  readonly codename: string;
  readonly model: string;
  readonly app_label: string;
  readonly app_label_verbose: string;
  readonly model_verbose: string;
}

const systemRights: Readonly<Record<string, string>> = {
  view_system_info: 'Can view system info',
  view_system_settings: 'Can view system settings',
  edit_system_settings: 'Can edit system settings',
  access_admin_interface: 'Can access admin interface',
  view_media_files: 'Can view media files',
  manage_media_files: 'Can manage media files',
};

/** Kinds that are listed together have rights of their own. */
const families: readonly Pick<Model, 'id' | 'noun' | 'permissions'>[] = [
  { id: 'authentik_core.provider', noun: 'Provider' },
  { id: 'authentik_core.propertymapping', noun: 'Property Mapping' },
  { id: 'authentik_flows.stage', noun: 'Stage' },
  { id: 'authentik_policies.policy', noun: 'Policy', permissions: ['view_policy_cache', 'clear_policy_cache'] },
];

export function rightsOf(registry: Registry): readonly Right[] {
  const ofModels = [...registry.all, ...families].flatMap((model) => rightsOfModel(model));
  const ofSystem = Object.entries(systemRights).map(([codename, name]) => ({
    name,
    codename,
    model: 'systempermission',
    app_label: 'authentik_rbac',
    app_label_verbose: 'authentik RBAC',
    model_verbose: 'System permission',
  }));
  const all = [...ofModels, ...ofSystem].sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
  return all.map((right, at) => ({ id: at + 1, ...right }));
}

/** Full names, as grants hold them. */
export function nameOf({ app_label, codename }: Pick<Right, 'app_label' | 'codename'>): string {
  return `${app_label}.${codename}`;
}

const sortKey = (right: Omit<Right, 'id'>) => `${right.app_label} ${right.model} ${right.codename}`;

function rightsOfModel(model: Pick<Model, 'id' | 'noun' | 'permissions'>): Omit<Right, 'id'>[] {
  const base = {
    model: modelName(model),
    app_label: appLabel(model),
    app_label_verbose: appLabel(model).replaceAll('_', ' '),
    model_verbose: model.noun,
  };
  const usual = ['add', 'change', 'delete', 'view'].map((action) => ({
    name: `Can ${action} ${model.noun}`,
    codename: `${action}_${modelName(model)}`,
    ...base,
  }));
  const extra = (model.permissions ?? []).map((codename) => ({
    name: `Can ${codename.replaceAll('_', ' ')}`,
    codename,
    ...base,
  }));
  return [...usual, ...extra];
}
