// `/propertymappings/all/<pk>/test/` and `/policies/all/<pk>/test/` (core.md §11.3, §11.5): what a mapping or policy gives
// for a user, before anybody depends on it.

import { z } from 'zod';
import { notFound } from '../api/failure.ts';
import { bodyOf, keyParameter, requirePermission } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { Converter, toPlain } from '../expressions/run/convert.ts';
import { findUser } from '../identity/users.ts';
import { invalidField, message } from '../models/invalid.ts';
import { decisionShape } from '../policies/answers.ts';
import { evaluatePolicy } from '../policies/engine.ts';
import { radiusMappingModel, scopeMappingModel } from './models.ts';
import { radiusNames } from './radius.ts';
import { loadMappings, runMapping } from './run.ts';

/** What a mapping gave, as JSON text, or why it did not. */
export const mappingResultShape = z.object({ result: z.string(), successful: z.boolean() });

const asked = z.object({
  user: z.number().int().nullable().default(null),
  context: z.record(z.string(), z.unknown()).default({}),
});
const question = asked.partial();
const testSeconds = 30;

const about = (summary: string, answer: z.ZodType) => ({ config: { operation: { summary, body: question, answer } } });

export function registerTestRoutes(api: Api, deps: CoreDeps): void {
  api.post(
    '/api/v3/propertymappings/all/:key/test/',
    about('What a mapping gives', mappingResultShape),
    async (request) => {
      requirePermission(request, 'authentik_core.view_propertymapping');
      const [mapping] = await loadMappings(deps, [keyParameter(request)]);
      if (mapping === undefined) throw notFound('Property Mapping');
      const { user, context } = asked.parse(bodyOf(request));
      const packet = mapping.kind === radiusMappingModel.id ? radiusNames() : undefined;
      const given = Object.entries(context).map(([name, value]) => [name, new Converter().toValue(value)] as const);
      const result = await runMapping(deps, mapping, {
        user: await userOf(deps, user),
        names: { provider: null, token: null, ...packet?.names, ...Object.fromEntries(given) },
      });
      if ('error' in result) return { result: result.error, successful: false };
      const shown = packet === undefined ? toPlain(result.value) : packet.packet.describe();
      return { result: JSON.stringify(shown, null, 4), successful: true };
    },
  );

  api.post('/api/v3/policies/all/:key/test/', about('What a policy decides', decisionShape), async (request) => {
    requirePermission(request, 'authentik_policies.view_policy');
    const policy = keyParameter(request);
    const { user, context } = asked.parse(bodyOf(request));
    const found = await deps.database.kysely
      .selectFrom('policies')
      .select('uuid')
      .where('uuid', '=', uuidOf(policy))
      .executeTakeFirst();
    if (found === undefined) throw notFound('Policy');
    const use = { policy, negate: false, timeout: testSeconds, failure_result: false };
    const input = { deps, user: await userOf(deps, user), request: undefined, context };
    const { passing, messages } = await evaluatePolicy(use, input);
    return { passing, messages, log_messages: [] };
  });
}

export const testableKinds = [scopeMappingModel.id, radiusMappingModel.id];

async function userOf(deps: CoreDeps, pk: number | null) {
  if (pk === null) return undefined;
  const user = await findUser(deps, pk);
  if (user === undefined) throw invalidField('user', message.missing(pk));
  return user;
}

/** A key no row has, for text that is none. */
function uuidOf(text: string): string {
  return /^[0-9a-f-]{32,36}$/i.test(text) ? text : '00000000-0000-0000-0000-000000000000';
}
