// `authentik_stages_prompt.prompt` (core.md §5.3): one field of a prompt stage.

import { z } from 'zod';
import { choice, column, flag, integer, line, setting, text } from '../../models/field.ts';
import { exactly } from '../../models/filters.ts';
import type { Model, Row } from '../../models/model.ts';
import { fieldValue, represent } from '../../models/represent.ts';
import { kindOfShape } from '../../models/shapes.ts';

export const promptTypes = [
  'text',
  'text_area',
  'text_read_only',
  'text_area_read_only',
  'username',
  'email',
  'password',
  'number',
  'checkbox',
  'radio-button-group',
  'dropdown',
  'date',
  'date-time',
  'file',
  'separator',
  'hidden',
  'static',
  'ak-locale',
] as const;
export type PromptType = (typeof promptTypes)[number];

export const promptModel: Model = {
  id: 'authentik_stages_prompt.prompt',
  noun: 'Prompt',
  nouns: 'Prompts',
  table: 'prompts',
  key: 'uuid',
  keyType: 'uuid',
  path: '/stages/prompt/prompts/',
  formerNames: { prompt_type: 'type' },
  fields: {
    name: column('name', line),
    field_key: setting(line),
    label: setting(text),
    type: setting(choice(...promptTypes)),
    required: setting(flag, { initial: true }),
    placeholder: setting(text, { initial: '' }),
    initial_value: setting(text, { initial: '' }),
    order: setting(integer, { initial: 0 }),
    sub_text: setting(text, { initial: '' }),
    placeholder_expression: setting(flag, { initial: false }),
    initial_value_expression: setting(flag, { initial: false }),
  },
  search: ['name'],
  order: ['name'],
  filters: { name: exactly('name') },
  derived: { prompt_stages_obj: z.array(kindOfShape) },
  async derive(deps, rows) {
    const stages = await deps.database.kysely
      .selectFrom('stages')
      .selectAll()
      .where('kind', '=', 'authentik_stages_prompt.promptstage')
      .execute();
    const model = deps.registry.ofKind('stages', 'authentik_stages_prompt.promptstage');
    const shown = model === undefined ? [] : await represent(deps, model, stages, new URLSearchParams());
    return rows.map((row) => ({
      prompt_stages_obj: shown.filter(({ fields }) => Array.isArray(fields) && fields.includes(row['uuid'])),
    }));
  },
};

/** A prompt as the stage uses it. */
export interface Prompt {
  readonly pk: string;
  readonly name: string;
  readonly key: string;
  readonly label: string;
  readonly type: PromptType;
  readonly required: boolean;
  readonly order: number;
  readonly subText: string;
  readonly placeholder: PromptText;
  readonly initialValue: PromptText;
}
/** Fixed text, or an expression that yields it. */
export interface PromptText {
  readonly text: string;
  readonly isExpression: boolean;
}

export function promptOf(row: Row): Prompt {
  const value = (name: string) => fieldValue(promptModel, row, name);
  const type = promptTypes.find((known) => known === value('type')) ?? 'text';
  return {
    pk: String(row['uuid'] ?? ''),
    name: String(row['name'] ?? ''),
    key: String(value('field_key')),
    label: String(value('label')),
    type,
    required: value('required') !== false,
    order: Number(value('order')),
    subText: String(value('sub_text')),
    placeholder: { text: String(value('placeholder')), isExpression: value('placeholder_expression') === true },
    initialValue: { text: String(value('initial_value')), isExpression: value('initial_value_expression') === true },
  };
}
