// Making, changing and deleting an object of any model, as questions in front of the page.
import { html, type TemplateResult } from 'lit';
import { type Api, ApiProblem } from '../../call/api.ts';
import type { Complaints, Question } from '../../elements/dialog.ts';
import { notice } from '../../elements/notice.ts';
import { keyOf, kindsOf, type ObjectModel, objectModels, type Row, titleOf } from './models.ts';
import { ObjectForm } from './object-form.ts';
import { labelOf } from './words.ts';

export interface Making {
  /** Of the list. */
  readonly path: string;
  /** Values that are given and not asked for. */
  readonly presets?: Row;
  /** Called with what was made. */
  readonly made?: (row: Row) => void;
}

/** @throws ApiProblem when nothing of this list can be made */
export async function makeQuestion(api: Api, { path, presets = {}, made }: Making): Promise<Question> {
  const kinds = kindsOf(await objectModels(api), path);
  const form = formFor(api, kinds, undefined, presets);
  const noun = kinds.length === 1 ? form.model.noun.toLowerCase() : '';
  return {
    ...questionOf(form),
    title: `New ${noun || 'object'}`,
    action: 'Create',
    async work() {
      const row = await api.send<Row>('POST', form.model.path, form.read());
      made?.(row);
    },
  };
}

/** With the values that the core holds now, which lists may leave out. */
export async function editQuestion(api: Api, path: string, row: Row): Promise<Question> {
  const models = await objectModels(api);
  const model = kindOfRow(kindsOf(models, path), row);
  const address = `${model.path}${keyOf(model, row)}/`;
  const form = formFor(api, [model], await api.get<Row>(address));
  return {
    ...questionOf(form),
    title: `Edit ${titleOf(row)}`,
    action: 'Save',
    work: () => api.send('PATCH', address, form.read()),
  };
}

interface Use {
  readonly name: string;
  readonly model_name: string;
  readonly action: string;
}

const consequences: Readonly<Record<string, string>> = {
  cascade: 'is deleted, too',
  cascade_many: 'loses it',
  set_null: 'is left without',
  set_default: 'gets its default',
  left_dangling: 'is left with a name of nothing',
};

/** Says what else its end concerns. */
export async function deleteQuestion(api: Api, path: string, row: Row): Promise<Question> {
  const model = kindOfRow(kindsOf(await objectModels(api), path), row);
  const address = `${model.path}${keyOf(model, row)}/`;
  const uses = await api.get<readonly Use[]>(`${address}used_by/`).catch(() => []);
  return {
    title: `Delete ${titleOf(row)}?`,
    action: 'Delete',
    dangerous: true,
    work: () => api.send('DELETE', address),
    body: uses.length === 0 ? html`<p>Nothing else uses it.</p>` : usesList(uses),
  };
}

function usesList(uses: readonly Use[]): TemplateResult {
  return html`<p>This concerns others:</p>
    <ul class="gh-chips">
      ${uses.map(({ name, model_name: kind, action }) => {
        return html`<li>${labelOf(kind)} <strong>${name}</strong> ${consequences[action] ?? action}</li>`;
      })}
    </ul>`;
}

function kindOfRow(kinds: readonly ObjectModel[], row: Row): ObjectModel {
  const model = kinds.find(({ id }) => id === row['meta_model_name']) ?? kinds[0];
  if (model === undefined) throw new ApiProblem(404, 'The core does not offer this.');
  return model;
}

function formFor(api: Api, kinds: readonly ObjectModel[], row: Row | undefined, presets: Row = {}): ObjectForm {
  const form = new ObjectForm();
  form.api = api;
  form.kinds = kinds;
  form.model = kindOfRow(kinds, row ?? {});
  form.row = row;
  form.presets = presets;
  return form;
}

function questionOf(form: ObjectForm): Pick<Question, 'body' | 'wide'> {
  const body = (errors: Complaints) => {
    form.errors = errors;
    const known = new Set(Object.keys(form.model.properties));
    const others = Object.entries(errors).filter(([name]) => !known.has(name) || name in form.presets);
    const texts = others.flatMap(([name, complaints]) => `${labelOf(name)}: ${complaints.join(' ')}`);
    return html`${texts.length === 0 ? '' : notice('danger', texts.join(' '))} ${form}`;
  };
  return { wide: true, body };
}
