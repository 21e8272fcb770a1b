import { z } from 'zod';
// `/stages/prompt/prompts/preview/` (core.md §11.5): a prompt as a flow would show it, before it is saved.

import type { PromptChallenge } from '@gatehouse/contract/flow';
import { bodyOf, requirePermission } from '../../api/request.ts';
import type { Api } from '../../api/server.ts';
import type { CoreDeps } from '../../deps.ts';
import { flowRequestOf } from '../../flows/routes.ts';
import type { UserRecord } from '../../identity/users.ts';
import { InvalidInput } from '../../models/invalid.ts';
import { validate } from '../../models/validation.ts';
import { evaluatePromptText, type PromptRun } from './expression.ts';
import { type Prompt, type PromptText, promptModel, promptOf } from './prompt.ts';
import { showPrompt } from './stage.ts';

/** A prompt as a flow would show it. */
export const promptPreviewShape = z.object({
  flow_info: z.object({ title: z.string(), background: z.string(), cancel_url: z.string(), layout: z.string() }),
  component: z.string(),
  fields: z.array(
    z.object({
      field_key: z.string(),
      label: z.string(),
      type: z.string(),
      required: z.boolean(),
      placeholder: z.string(),
      initial_value: z.string(),
      order: z.int(),
      sub_text: z.string(),
      choices: z.array(z.object({ value: z.string(), label: z.string() })).nullable(),
    }),
  ),
});

export function registerPromptPreview(api: Api, deps: CoreDeps): void {
  const operation = { summary: 'A prompt as a flow shows it', answer: promptPreviewShape };
  api.post('/api/v3/stages/prompt/prompts/preview/', { config: { operation } }, async (request) => {
    const { user } = requirePermission(request, 'authentik_stages_prompt.add_prompt');
    const values = validate(promptModel, bodyOf(request), 'api', false);
    const prompt = promptOf({ uuid: '', name: values['name'], settings: values });
    const run = { deps, request: { ...flowRequestOf(deps, request), user }, pendingUser: async () => pending(user) };
    await checkTexts(run, prompt);
    const { field } = await showPrompt(prompt, {}, run);
    return {
      flow_info: { title: 'Preview', background: '', cancel_url: '', layout: 'stacked' },
      component: 'ak-stage-prompt',
      fields: [field],
    } satisfies Omit<PromptChallenge, 'flow_info'> & { readonly flow_info: object };
  });
}

const pending = (user: UserRecord) => ({ username: user.username, record: user });

/** Expressions that fail are told on their field: a flow would show their text instead. @throws InvalidInput */
async function checkTexts(run: PromptRun, prompt: Prompt): Promise<void> {
  const errors: Record<string, readonly string[]> = {};
  const texts: Readonly<Record<string, PromptText>> = {
    placeholder: prompt.placeholder,
    initial_value: prompt.initialValue,
  };
  for (const [name, { text, isExpression }] of Object.entries(texts)) {
    if (!isExpression) continue;
    await evaluatePromptText(run, {}, text).catch((error: unknown) => {
      errors[name] = [error instanceof Error ? error.message : String(error)];
    });
  }
  if (Object.keys(errors).length > 0) throw new InvalidInput(errors);
}
