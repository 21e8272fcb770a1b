// Blueprints that name others (core.md §20.4, `authentik_blueprints.metaapplyblueprint`): by the name or path of an
// instance, applied inside the same transaction.
import type { Blueprint } from './read.ts';

export const metaApplyModel = 'authentik_blueprints.metaapplyblueprint';

export interface OpenedBlueprint {
  readonly blueprint: Blueprint;
  readonly context: Readonly<Record<string, unknown>>;
}

export interface NestedBlueprints {
  /** `undefined` if there is none. @throws GatewayError `ERR_CORE_BLUEPRINT` if it cannot be read */
  open(identifiers: Readonly<Record<string, unknown>>): Promise<OpenedBlueprint | undefined>;
}
