// The context of a blueprint (core.md §20.4, "Applying"): what every file may ask for, what the file says, what its instance
// says; the later ones win, lists add up.
import { deepMerge } from '../models/merge.ts';
import { appLabel, modelName } from '../models/model.ts';
import type { Registry } from '../models/registry.ts';

export function readContext(
  registry: Registry,
  ofFile: Readonly<Record<string, unknown>>,
  ofInstance: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const models = registry.all.filter(({ internal }) => internal !== true);
  const defaults = {
    'goauthentik.io/rbac/models': Object.fromEntries(models.map((model) => [modelName(model), appLabel(model)])),
    'goauthentik.io/enterprise/licensed': false,
  };
  return deepMerge(deepMerge(defaults, ofFile), ofInstance);
}
