// Expressions of prompts (core.md §16.1): placeholder, initial value, choices.
import { recordEvent } from '../../events/record.ts';
import { evaluateExpression } from '../../expressions/evaluate.ts';
import { UserObject } from '../../expressions/host/identity.ts';
import { policyRequestObject } from '../../expressions/host/request.ts';
import { Converter, toPlain } from '../../expressions/run/convert.ts';
import type { StageContext } from '../stage.ts';
import type { Prompt } from './prompt.ts';
import type { PromptData } from './texts.ts';

/** What the texts of a prompt are evaluated with. */
export type PromptRun = Pick<StageContext, 'deps' | 'request' | 'pendingUser'>;

/** @throws whatever the expression fails with */
export async function evaluatePromptText(
  { deps, request, pendingUser }: PromptRun,
  data: PromptData,
  text: string,
): Promise<unknown> {
  const user = new UserObject(deps, (await pendingUser())?.record, request.host);
  const context = new Converter().toValue(data);
  const names = {
    prompt_context: context,
    user,
    request: policyRequestObject(deps, { user, request, context }),
  };
  return toPlain(await evaluateExpression(deps, { text, request, names }));
}

/** @throws whatever the expression fails with, after an event has recorded it */
export async function runPromptText(run: PromptRun, prompt: Prompt, data: PromptData, text: string): Promise<unknown> {
  const { deps, request } = run;
  try {
    return await evaluatePromptText(run, data, text);
  } catch (error) {
    await recordEvent(deps, {
      action: 'property_mapping_exception',
      app: 'authentik.stages.prompt',
      request,
      context: {
        expression: text,
        message: error instanceof Error ? error.message : String(error),
        mapping: { app: 'authentik_stages_prompt', model_name: 'prompt', pk: prompt.pk, name: prompt.name },
      },
    });
    throw error;
  }
}
