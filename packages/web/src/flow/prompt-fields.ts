// Every kind of field that a prompt may have: how it is shown, and the value that is sent for it.
import type { PromptField } from '@gatehouse/contract/flow';
import { html, nothing, type TemplateResult } from 'lit';
import { ifDefined } from 'lit/directives/if-defined.js';
import { below, type ControlLinks, inputField, field as row } from '../elements/field.ts';
import { markup } from '../elements/markup.ts';
import { passwordField } from './password-field.ts';

export interface PromptState {
  readonly errors: readonly string[];
  readonly first: boolean;
  readonly marked: boolean;
}

type Show = (field: PromptField, state: PromptState) => TemplateResult | typeof nothing;

const input =
  (type: string, autocomplete?: string): Show =>
  (field, state) =>
    inputField({
      ...common(field, state),
      type,
      value: field.initial_value,
      placeholder: field.placeholder,
      readOnly: field.type === 'text_read_only',
      ...(autocomplete === undefined ? {} : { autocomplete }),
    });

const shows: Readonly<Record<string, Show>> = {
  text: input('text'),
  text_read_only: input('text'),
  username: input('text', 'username'),
  email: input('email', 'email'),
  number: input('number'),
  date: input('date'),
  'date-time': (field, state) => input('datetime-local')({ ...field, initial_value: localTime(field) }, state),
  password: (field, state) =>
    passwordField({
      ...common(field, state),
      mayShow: true,
      autocomplete: 'new-password',
      placeholder: field.placeholder,
    }),
  text_area: textArea,
  text_area_read_only: textArea,
  checkbox,
  'radio-button-group': radios,
  dropdown: (field, state) => select(field, state, field.choices ?? []),
  'ak-locale': (field, state) => select(field, state, [{ value: '', label: 'As my browser says' }, ...locales()]),
  file: (field, state) =>
    withText(
      field,
      row(common(field, state), ({ id, describedBy, invalid }) => {
        return html`<input
          class="gh-file"
          type="file"
          id=${id}
          name=${field.field_key}
          ?required=${field.required}
          aria-invalid=${invalid ? 'true' : 'false'}
          aria-describedby=${ifDefined(describedBy)}
        />`;
      }),
    ),
  separator: ({ label }) =>
    html`<div class="gh-separator" role="separator" aria-label=${label || 'Section'}><span>${label}</span></div>`,
  hidden: () => nothing,
  static: ({ initial_value, label }) =>
    html`<div class="gh-static">${label === '' ? nothing : html`<p class="gh-list__title">${label}</p>`}
      ${markup(initial_value)}</div>`,
};

export function promptField(field: PromptField, state: PromptState): TemplateResult | typeof nothing {
  const show = shows[field.type] ?? input('text');
  const shown = show(field, state);
  return shown === nothing || field.type === 'file' ? shown : withText(field, shown);
}

/** @returns `undefined` for fields whose value is the core's own */
export async function readPrompt({ field_key: key, type }: PromptField, form: HTMLFormElement): Promise<unknown> {
  if (['separator', 'static', 'text_read_only', 'text_area_read_only', 'hidden'].includes(type)) return undefined;
  const value = new FormData(form).get(key);
  if (type === 'checkbox') return value !== null;
  if (value instanceof File) return value.size === 0 ? '' : dataUrl(value);
  return value ?? '';
}

function common({ field_key: name, label, required }: PromptField, { errors, first, marked }: PromptState) {
  return { name, label, required, errors, first, marked };
}

function withText({ sub_text: text }: PromptField, shown: unknown): TemplateResult {
  return text === ''
    ? html`${shown}`
    : html`<div class="gh-prompt">${shown}<div class="gh-quiet">${markup(text)}</div></div>`;
}

function textArea(field: PromptField, state: PromptState): TemplateResult {
  const readOnly = field.type === 'text_area_read_only';
  return row(common(field, state), ({ id, describedBy, invalid }) => {
    return html`<span class="pf-v6-c-form-control pf-m-textarea ${readOnly ? 'pf-m-readonly' : ''}"
      ><textarea
        id=${id}
        name=${field.field_key}
        rows="4"
        .value=${field.initial_value}
        placeholder=${field.placeholder}
        ?required=${field.required}
        ?readonly=${readOnly}
        ?data-first=${state.first}
        aria-invalid=${invalid ? 'true' : 'false'}
        aria-describedby=${ifDefined(describedBy)}
      ></textarea
    ></span>`;
  });
}

function checkbox(field: PromptField, { errors, first }: PromptState): TemplateResult {
  const id = `field-${field.field_key}`;
  return html`<div class="pf-v6-c-form__group">
    <div class="pf-v6-c-check">
      <input
        class="pf-v6-c-check__input"
        type="checkbox"
        id=${id}
        name=${field.field_key}
        .checked=${field.initial_value === 'true' || field.initial_value === 'True'}
        ?required=${field.required}
        ?data-first=${first}
        aria-invalid=${errors.length > 0 ? 'true' : 'false'}
        aria-describedby=${ifDefined(errors.length > 0 ? `${id}-error` : undefined)}
      />
      <label class="pf-v6-c-check__label" for=${id}>${field.label}</label>
    </div>
    ${below(id, errors)}
  </div>`;
}

function radios(field: PromptField, { errors, first }: PromptState): TemplateResult {
  const id = `field-${field.field_key}`;
  return html`<fieldset class="gh-radios" aria-describedby=${ifDefined(errors.length > 0 ? `${id}-error` : undefined)}>
    <legend class="pf-v6-c-form__label-text">${field.label}</legend>
    ${(field.choices ?? []).map(
      ({ value, label }, at) => html`<div class="pf-v6-c-radio">
        <input
          class="pf-v6-c-radio__input"
          type="radio"
          id=${`${id}-${at}`}
          name=${field.field_key}
          .value=${value}
          .checked=${value === field.initial_value}
          ?data-first=${first && at === 0}
        />
        <label class="pf-v6-c-radio__label" for=${`${id}-${at}`}>${label}</label>
      </div>`,
    )}
    ${below(id, errors)}
  </fieldset>`;
}

function select(field: PromptField, state: PromptState, choices: NonNullable<PromptField['choices']>): TemplateResult {
  return row(common(field, state), ({ id, describedBy, invalid }: ControlLinks) => {
    return html`<span class="pf-v6-c-form-control gh-select"
      ><select
        id=${id}
        name=${field.field_key}
        ?required=${field.required}
        ?data-first=${state.first}
        aria-invalid=${invalid ? 'true' : 'false'}
        aria-describedby=${ifDefined(describedBy)}
      >
        ${choices.map(
          ({ value, label }) =>
            html`<option .value=${value} ?selected=${value === field.initial_value}>${label}</option>`,
        )}
      </select></span
    >`;
  });
}

/** Languages in their own words, which every browser knows. */
function locales(): NonNullable<PromptField['choices']> {
  return [
    'cs',
    'de',
    'en',
    'es',
    'fi',
    'fr',
    'it',
    'ja',
    'ko',
    'nl',
    'pl',
    'pt-BR',
    'ru',
    'tr',
    'zh-Hans',
    'zh-Hant',
  ].map((value) => ({ value, label: new Intl.DisplayNames([value], { type: 'language' }).of(value) ?? value }));
}

/** What `datetime-local` takes: no zone, minutes at least. */
function localTime({ initial_value: value }: PromptField): string {
  return /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?/.exec(value)?.[0].replace(' ', 'T') ?? '';
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(String(reader.result)));
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
