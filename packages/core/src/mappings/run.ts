// Runs one property mapping (core.md §16.1): what fails is recorded with its text, and is the caller's to decide on.
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { evaluateExpression } from '../expressions/evaluate.ts';
import { UserObject } from '../expressions/host/identity.ts';
import { policyRequestObject } from '../expressions/host/request.ts';
import { Dict, type Value } from '../expressions/run/values.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';

export interface Mapping {
  readonly uuid: string;
  readonly name: string;
  readonly kind: string;
  readonly expression: string;
}

export interface MappingInput {
  /** Nobody for the anonymous user. */
  readonly user: UserRecord | undefined;
  readonly request?: FlowRequest | undefined;
  /** `request.context`; empty unless given. */
  readonly context?: Dict;
  /** What this kind of mapping sees beside user and request. */
  readonly names?: Readonly<Record<string, Value>>;
}

export type MappingResult = { readonly value: Value } | { readonly error: string };

export async function runMapping(deps: CoreDeps, mapping: Mapping, input: MappingInput): Promise<MappingResult> {
  const { user, request, context = new Dict(), names = {} } = input;
  const whom = new UserObject(deps, user, request?.host);
  const known = {
    user: whom,
    request: policyRequestObject(deps, { user: whom, request, context }),
    ...names,
  };
  try {
    return { value: await evaluateExpression(deps, { text: mapping.expression, request, names: known }) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await recordEvent(deps, {
      action: 'property_mapping_exception',
      app: 'authentik.core',
      user,
      ...(request === undefined ? {} : { request }),
      context: { expression: mapping.expression, message, mapping: referenceOf(mapping) },
    });
    return { error: message };
  }
}

function referenceOf({ kind, uuid, name }: Mapping) {
  const [app = '', model_name = ''] = kind.split('.');
  return { app, model_name, pk: uuid, name };
}

/** Mappings of these keys, in order of name. */
export async function loadMappings({ database }: CoreDeps, keys: readonly string[]): Promise<Mapping[]> {
  if (keys.length === 0) return [];
  const rows = await database.kysely
    .selectFrom('property_mappings')
    .selectAll()
    .where('uuid', 'in', [...keys])
    .orderBy('name')
    .execute();
  return rows.map(({ uuid, name, kind, settings }) => ({
    uuid,
    name,
    kind,
    expression: String(settings['expression'] ?? ''),
  }));
}
