// Prompt (core.md §15.3): asks for values, checks them, and lets policies judge them all together.
import type { ErrorDetail, PromptField } from '@gatehouse/contract/flow';
import { z } from 'zod';
import type { CoreDeps } from '../../deps.ts';
import { setting } from '../../models/field.ts';
import { evaluateList } from '../../policies/engine.ts';
import { type Answer, ok, type StageContext, type StageKind, type Step, stageModel } from '../stage.ts';
import { checkValue, isServerSide } from './check.ts';
import { type PromptRun, runPromptText } from './expression.ts';
import { type Prompt, promptOf } from './prompt.ts';
import { type Choice, choicesOf, initialValueOf, type PromptData, placeholderOf } from './texts.ts';

const keysOf = (table: string) => ({
  ...setting(z.array(z.string()), { initial: [] }),
  references: { table, key: 'uuid' },
});

export const promptStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_prompt.promptstage',
    noun: 'Prompt Stage',
    path: 'prompt/stages',
    component: 'ak-stage-prompt-form',
    fields: { fields: keysOf('prompts'), validation_policies: keysOf('policies') },
  }),

  async show(context) {
    const shown = await fieldsOf(context);
    const fields = shown.map(({ field }) => field);
    return { step: 'show', challenge: { component: 'ak-stage-prompt', fields } };
  },

  async answer(context, answer) {
    const fields = await fieldsOf(context);
    const errors = new Map<string, ErrorDetail[]>();
    const values = await readValues(context, fields, answer, errors);
    if (errors.size === 0) await judge(context, values, errors);
    if (errors.size > 0) return { step: 'invalid', errors: Object.fromEntries(errors) };
    context.plan.context['prompt_data'] = { ...promptDataOf(context), ...values };
    return ok satisfies Step;
  },
};

interface ShownPrompt {
  readonly prompt: Prompt;
  readonly choices: readonly Choice[] | undefined;
  readonly initial: unknown;
  readonly field: PromptField;
}

async function fieldsOf(context: StageContext): Promise<ShownPrompt[]> {
  const { deps, settings } = context;
  const keys = z.array(z.string()).safeParse(settings['fields']).data ?? [];
  const data = promptDataOf(context);
  const shown: ShownPrompt[] = [];
  for (const prompt of await loadPrompts(deps, keys)) shown.push(await showPrompt(prompt, data, context));
  return shown;
}

async function loadPrompts({ database }: CoreDeps, keys: readonly string[]): Promise<Prompt[]> {
  if (keys.length === 0) return [];
  const rows = await database.kysely
    .selectFrom('prompts')
    .selectAll()
    .where('uuid', 'in', [...keys])
    .execute();
  return rows.map(promptOf).sort((one, other) => one.order - other.order || one.key.localeCompare(other.key));
}

/** One prompt as a client is to show it. */
export async function showPrompt(prompt: Prompt, data: PromptData, context: PromptRun): Promise<ShownPrompt> {
  const run = (text: string) => runPromptText(context, prompt, data, text);
  const choices = await choicesOf(prompt, data, run);
  const initial = await initialValueOf(prompt, data, choices, run);
  const field: PromptField = {
    field_key: prompt.key,
    label: prompt.label,
    type: prompt.type,
    required: prompt.required,
    placeholder: await placeholderOf(prompt, data, run),
    initial_value: String(initial),
    order: prompt.order,
    sub_text: prompt.subText,
    choices: choices ?? null,
  };
  return { prompt, choices, initial, field };
}

async function readValues(
  context: StageContext,
  fields: readonly ShownPrompt[],
  answer: Answer,
  errors: Map<string, ErrorDetail[]>,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const { prompt, choices, initial } of fields) {
    if (isServerSide(prompt.type)) {
      if (prompt.type !== 'separator') values[prompt.key] = initial;
      continue;
    }
    const checked = checkValue(prompt, answer[prompt.key], choices);
    if (checked !== undefined && 'error' in checked) errors.set(prompt.key, [checked.error]);
    else if (checked !== undefined) values[prompt.key] = checked.value;
  }
  for (const { prompt } of fields)
    if (prompt.type === 'username' && (await isTaken(context, values[prompt.key])))
      errors.set(prompt.key, [{ string: 'Username is already taken.', code: 'invalid' }]);
  const passwords = fields.filter(({ prompt }) => prompt.type === 'password').map(({ prompt }) => values[prompt.key]);
  if (passwords.length > 1 && errors.size === 0 && passwords.some((password) => password !== passwords[0]))
    errors.set('non_field_errors', [{ string: "Passwords don't match.", code: 'invalid' }]);
  return values;
}

/** By anybody but the one this flow is about. */
async function isTaken({ deps, pendingUser }: StageContext, name: unknown): Promise<boolean> {
  if (typeof name !== 'string' || name === '') return false;
  const own = (await pendingUser())?.record?.id;
  const found = await deps.database.kysely
    .selectFrom('users')
    .select('id')
    .where('username', '=', name)
    .executeTakeFirst();
  return found !== undefined && found.id !== own;
}

/** Policies may change the values as well as refuse them. */
async function judge(
  { deps, plan, settings, request, pendingUser }: StageContext,
  values: Record<string, unknown>,
  errors: Map<string, ErrorDetail[]>,
): Promise<void> {
  const policies = z.array(z.string()).safeParse(settings['validation_policies']).data ?? [];
  if (policies.length === 0) return;
  const user = (await pendingUser())?.record;
  const context = { ...plan.context, prompt_data: values, flow_plan: { context: plan.context } };
  const { passing, messages } = await evaluateList(deps, policies, { user, request, context });
  if (passing) return;
  const texts = messages.length === 0 ? ['These values are not allowed.'] : messages;
  errors.set(
    'non_field_errors',
    texts.map((string) => ({ string, code: 'invalid' })),
  );
}

function promptDataOf({ plan }: StageContext): PromptData {
  return z.record(z.string(), z.unknown()).safeParse(plan.context['prompt_data']).data ?? {};
}
