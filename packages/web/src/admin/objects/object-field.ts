// One field of an object's form: the control that its schema asks for, with label, help and complaints.
import { html, nothing, type TemplateResult } from 'lit';
import type { Api } from '../../call/api.ts';
import { type ControlLinks, field, inputField } from '../../elements/field.ts';
import { type Control, textOf } from './control.ts';
import type { Property } from './models.ts';
import type { Key } from './row-picker.ts';
import { choiceText, helpOf } from './words.ts';

export interface ObjectField {
  readonly api: Api;
  readonly name: string;
  readonly label: string;
  readonly property: Property;
  readonly control: Control;
  /** What was typed, else what is stored. */
  readonly value: unknown;
  readonly isTyped: boolean;
  /** Of an object that exists: secrets stay as they are. */
  readonly isStored: boolean;
  /** Address of a picture that is stored. */
  readonly preview: unknown;
  readonly errors: readonly string[];
  readonly marked: boolean;
  readonly keep: (value: unknown) => void;
  /** What was kept last. */
  readonly kept: () => unknown;
}

export function objectField(of: ObjectField): TemplateResult {
  const { name, label, control, value, errors, marked } = of;
  const help = helpOf(name);
  const options = { name, label, errors, marked, ...(help === undefined ? {} : { help }) };
  switch (control.kind) {
    case 'rows':
      return rows(of, control);
    case 'switch':
      return toggle(of);
    case 'choices':
      return choices(of, control.values);
    case 'file':
      return file(of);
    case 'choice':
      return field(options, (links) => choice(of, control, links));
    case 'lines':
    case 'json':
    case 'redirects':
      return field(options, (links) => area(of, links));
    default:
      return html`<div @input=${keepText(of)}>${inputField({
        ...options,
        value: textOf(control, value),
        autocomplete: 'off',
        ...(control.kind === 'integer' ? { inputMode: 'numeric' as const } : {}),
        ...(control.kind === 'secret' && of.isStored ? { placeholder: 'Unchanged' } : {}),
      })}</div>`;
  }
}

/** Listener that keeps the text of a control. */
function keepText({ keep }: ObjectField) {
  return ({ target }: Event) => {
    if (
      target instanceof HTMLInputElement ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement
    )
      keep(target.value);
  };
}

function rows(of: ObjectField, { path, many }: Extract<Control, { kind: 'rows' }>): TemplateResult {
  const { value } = of;
  const chosen = ({ target }: Event) => {
    const keys: readonly Key[] = target instanceof Element ? Reflect.get(target, 'value') : [];
    of.keep(many ? keys : (keys[0] ?? null));
  };
  const keys = Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];
  return html`<gh-row-picker
    .api=${of.api}
    .name=${of.name}
    .label=${of.label}
    .help=${helpOf(of.name)}
    .path=${path}
    .many=${many}
    .optional=${of.property.nullable === true}
    .value=${keys}
    .errors=${of.errors}
    @gh-chosen=${chosen}
  ></gh-row-picker>`;
}

function file({ api, name, label, value, preview, keep }: ObjectField): TemplateResult {
  return html`<gh-file-picker
    .api=${api}
    .name=${name}
    .label=${label}
    .value=${String(value ?? '')}
    .preview=${String(preview ?? (isExternal(value) ? value : ''))}
    @gh-picked=${(event: CustomEvent<string>) => keep(event.detail)}
  ></gh-file-picker>`;
}

const complaint = (errors: readonly string[]) =>
  errors.length === 0 ? nothing : html`<p class="pf-v6-c-helper-text__item pf-m-error">${errors.join(' ')}</p>`;

function toggle({ name, label, value, errors, keep }: ObjectField): TemplateResult {
  const change = ({ target }: Event) => {
    if (target instanceof HTMLInputElement) keep(target.checked);
  };
  const help = helpOf(name);
  return html`<div>
    <label class="gh-check"><input type="checkbox" .checked=${value === true} @change=${change} /> ${label}</label>
    ${help === undefined ? nothing : html`<p class="gh-quiet">${help}</p>`} ${complaint(errors)}
  </div>`;
}

function choices({ label, value, errors, keep, kept }: ObjectField, values: readonly string[]): TemplateResult {
  const chosen: readonly unknown[] = Array.isArray(value) ? value : [];
  const flip = (one: string) => () => {
    const now: readonly unknown[] = [kept(), chosen].find(Array.isArray) ?? [];
    keep(now.includes(one) ? now.filter((other) => other !== one) : [...now, one]);
  };
  return html`<fieldset class="gh-rows-picker">
    <legend class="pf-v6-c-form__label-text">${label}</legend>
    ${values.map((one) => {
      return html`<label class="gh-check"
        ><input type="checkbox" .checked=${chosen.includes(one)} @change=${flip(one)} /> ${choiceText(one)}</label
      >`;
    })}
    ${complaint(errors)}
  </fieldset>`;
}

function choice(
  of: ObjectField,
  { values, optional }: Extract<Control, { kind: 'choice' | 'choices' }>,
  { id, invalid, describedBy }: ControlLinks,
): TemplateResult {
  const { value } = of;
  const none = optional || value === undefined;
  return html`<span class="pf-v6-c-form-control gh-select"
    ><select id=${id} aria-invalid=${invalid} aria-describedby=${describedBy ?? nothing} @change=${keepText(of)}>
      ${none ? html`<option value="" ?selected=${value === null || value === undefined}>${optional ? 'None' : 'Choose…'}</option>` : nothing}
      ${values.map((one) => html`<option value=${one} ?selected=${one === String(value)}>${choiceText(one)}</option>`)}
    </select></span
  >`;
}

function area(of: ObjectField, { id, invalid, describedBy }: ControlLinks): TemplateResult {
  const { value, isTyped, control } = of;
  const text = typeof value === 'string' && isTyped ? value : textOf(control, value);
  return html`<span class="pf-v6-c-form-control pf-m-textarea ${invalid ? 'pf-m-error' : ''}"
    ><textarea
      id=${id}
      class="gh-code"
      rows=${Math.min(12, Math.max(3, text.split('\n').length))}
      spellcheck="false"
      aria-invalid=${invalid}
      aria-describedby=${describedBy ?? nothing}
      .value=${text}
      @input=${keepText(of)}
    ></textarea
  ></span>`;
}

function isExternal(value: unknown): value is string {
  return typeof value === 'string' && /^https?:/i.test(value);
}
