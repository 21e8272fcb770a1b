// The fields of one object, drawn from its model. What is required and what people look for first stands open, the rest
// below "More settings". Complaints of the core stand at their fields.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { type Api, ApiProblem } from '../../call/api.ts';
import { type ControlLinks, field, inputField } from '../../elements/field.ts';
import { type Control, controlOf, readText, textOf } from './control.ts';
import type { ObjectModel, Property, Row } from './models.ts';
import type { Key } from './row-picker.ts';
import { choiceText, helpOf, labelOf } from './words.ts';

export type Errors = Readonly<Record<string, readonly string[]>>;

/** Beyond what is required. */
const shownFirst: ReadonlySet<string> = new Set(
  `action attributes backends background base_dn bind_mode branding_logo branding_title certificate
  certificate_data client_networks crontab description destination_group email enabled expression external_host
  fields group groups intent internal_host is_active is_superuser key_data layout meta_icon meta_launch_url mode
  order policy property_mappings provider providers redirect_uris roles search_mode severity shared_secret
  signing_key stage transports type user user_fields users`.split(/\s+/),
);

/** Kept by the core for itself, whoever could write them. */
const neverShown = new Set(['managed', 'permissions']);

export class ObjectForm extends LitElement {
  static override properties = { model: { attribute: false }, errors: { attribute: false } };
  declare api: Api;
  /** The kinds that may be made; one of an object that exists. */
  declare kinds: readonly ObjectModel[];
  declare model: ObjectModel;
  /** Undefined: a new one. */
  declare row: Row | undefined;
  /** Values that are given and not asked for. */
  declare presets: Row;
  declare errors: Errors;
  /** What has been typed or chosen, by field. */
  readonly #typed = new Map<string, unknown>();

  constructor() {
    super();
    this.errors = {};
    this.presets = {};
  }

  protected override createRenderRoot(): this {
    return this;
  }

  /** Everything that is to be sent. @throws ApiProblem that complains of fields whose text cannot be read */
  read(): Row {
    const values: Record<string, unknown> = { ...this.presets };
    const errors: Record<string, string[]> = {};
    for (const [name, property] of this.#fields()) {
      const control = controlOf(name, property);
      if (!this.#typed.has(name)) {
        if (this.row === undefined && property.default !== undefined && control.kind !== 'secret')
          values[name] = property.default;
        continue;
      }
      const given = this.#typed.get(name);
      try {
        values[name] = typeof given === 'string' ? readText(control, given, property) : given;
      } catch (error) {
        errors[name] = [error instanceof Error ? error.message : String(error)];
      }
    }
    if (Object.keys(errors).length > 0) throw new ApiProblem(400, 'Some fields cannot be read.', errors);
    return values;
  }

  #fields(): readonly (readonly [string, Property])[] {
    const { properties } = this.model;
    return Object.entries(properties).filter(([name]) => !neverShown.has(name) && !(name in this.presets));
  }

  #label(name: string): string {
    return labelOf(name, this.model.noun);
  }

  #valueOf(name: string, property: Property): unknown {
    if (this.#typed.has(name)) return this.#typed.get(name);
    return this.row === undefined ? property.default : this.row[name];
  }

  override render(): TemplateResult {
    const fields = this.#fields();
    const isFirst = ([name]: readonly [string, Property]) => this.model.required.includes(name) || shownFirst.has(name);
    const more = fields.filter((one) => !isFirst(one));
    const wrong = more.some(([name]) => this.errors[name] !== undefined);
    return html`${this.kinds.length > 1 ? this.#kindMenu() : nothing}
    ${fields.filter(isFirst).map(([name, property]) => this.#field(name, property))}
    ${
      more.length === 0
        ? nothing
        : html`<details class="gh-more" ?open=${wrong}>
            <summary>More settings</summary>
            <div class="gh-dialog__body">${more.map(([name, property]) => this.#field(name, property))}</div>
          </details>`
    }`;
  }

  #kindMenu(): TemplateResult {
    const choose = ({ target }: Event) => {
      const chosen = this.kinds.find(({ id }) => target instanceof HTMLSelectElement && id === target.value);
      if (chosen !== undefined) this.model = chosen;
    };
    return field({ name: 'kind', label: 'Kind' }, ({ id }) => {
      return html`<span class="pf-v6-c-form-control gh-select"
        ><select id=${id} @change=${choose}>
          ${this.kinds.map(({ id: kind, noun }) => html`<option value=${kind} ?selected=${kind === this.model.id}>${noun}</option>`)}
        </select></span
      >`;
    });
  }

  #field(name: string, property: Property): TemplateResult {
    const control = controlOf(name, property);
    const value = this.#valueOf(name, property);
    const errors = this.errors[name] ?? [];
    const help = helpOf(name);
    const marked = this.row === undefined && this.model.required.includes(name);
    const options = { name, label: this.#label(name), errors, marked, ...(help === undefined ? {} : { help }) };
    switch (control.kind) {
      case 'rows':
        return this.#rows(name, property, control, value);
      case 'switch':
        return this.#switch(name, value === true);
      case 'choices':
        return this.#choices(name, control.values, value);
      case 'file':
        return html`<gh-file-picker
          .api=${this.api}
          .name=${name}
          .label=${this.#label(name)}
          .value=${String(value ?? '')}
          .preview=${String(this.row?.[`${name}_url`] ?? (isExternal(value) ? value : ''))}
          @gh-picked=${(event: CustomEvent<string>) => this.#typed.set(name, event.detail)}
        ></gh-file-picker>`;
      case 'choice':
        return field(options, (links) => this.#choice(name, control, value, links));
      case 'lines':
      case 'json':
      case 'redirects':
        return field(options, (links) => this.#area(name, control, value, links));
      default:
        return html`<div @input=${this.#keep(name)}>${inputField({
          ...options,
          value: textOf(control, value),
          autocomplete: 'off',
          ...(control.kind === 'integer' ? { inputMode: 'numeric' as const } : {}),
          ...(control.kind === 'secret' && this.row !== undefined ? { placeholder: 'Unchanged' } : {}),
        })}</div>`;
    }
  }

  /** Listener that keeps the text of a control. */
  #keep(name: string) {
    return ({ target }: Event) => {
      if (
        target instanceof HTMLInputElement ||
        target instanceof HTMLTextAreaElement ||
        target instanceof HTMLSelectElement
      )
        this.#typed.set(name, target.value);
    };
  }

  #rows(
    name: string,
    property: Property,
    { path, many }: Extract<Control, { kind: 'rows' }>,
    value: unknown,
  ): TemplateResult {
    const chosen = ({ target }: Event) => {
      const keys: readonly Key[] = target instanceof Element ? Reflect.get(target, 'value') : [];
      this.#typed.set(name, many ? keys : (keys[0] ?? null));
    };
    const keys = Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];
    return html`<gh-row-picker
      .api=${this.api}
      .name=${name}
      .label=${this.#label(name)}
      .help=${helpOf(name)}
      .path=${path}
      .many=${many}
      .optional=${property.nullable === true}
      .value=${keys}
      .errors=${this.errors[name] ?? []}
      @gh-chosen=${chosen}
    ></gh-row-picker>`;
  }

  #switch(name: string, on: boolean): TemplateResult {
    const toggle = ({ target }: Event) => {
      if (target instanceof HTMLInputElement) this.#typed.set(name, target.checked);
    };
    const errors = this.errors[name];
    return html`<div>
      <label class="gh-check"><input type="checkbox" .checked=${on} @change=${toggle} /> ${this.#label(name)}</label>
      ${helpOf(name) === undefined ? nothing : html`<p class="gh-quiet">${helpOf(name)}</p>`}
      ${errors === undefined ? nothing : html`<p class="pf-v6-c-helper-text__item pf-m-error">${errors.join(' ')}</p>`}
    </div>`;
  }

  #choices(name: string, values: readonly string[], value: unknown): TemplateResult {
    const chosen: readonly unknown[] = Array.isArray(value) ? value : [];
    const errors = this.errors[name];
    const toggle = (one: string) => () => {
      const now: readonly unknown[] = [this.#typed.get(name), chosen].find(Array.isArray) ?? [];
      this.#typed.set(name, now.includes(one) ? now.filter((other) => other !== one) : [...now, one]);
    };
    return html`<fieldset class="gh-rows-picker">
      <legend class="pf-v6-c-form__label-text">${this.#label(name)}</legend>
      ${values.map((one) => {
        return html`<label class="gh-check"
          ><input type="checkbox" .checked=${chosen.includes(one)} @change=${toggle(one)} /> ${choiceText(one)}</label
        >`;
      })}
      ${errors === undefined ? nothing : html`<p class="pf-v6-c-helper-text__item pf-m-error">${errors.join(' ')}</p>`}
    </fieldset>`;
  }

  #choice(
    name: string,
    { values, optional }: Extract<Control, { kind: 'choice' | 'choices' }>,
    value: unknown,
    links: ControlLinks,
  ): TemplateResult {
    const { id, invalid, describedBy } = links;
    const none = optional || value === undefined;
    return html`<span class="pf-v6-c-form-control gh-select"
      ><select id=${id} aria-invalid=${invalid} aria-describedby=${describedBy ?? nothing} @change=${this.#keep(name)}>
        ${none ? html`<option value="" ?selected=${value === null || value === undefined}>${optional ? 'None' : 'Choose…'}</option>` : nothing}
        ${values.map((one) => html`<option value=${one} ?selected=${one === String(value)}>${choiceText(one)}</option>`)}
      </select></span
    >`;
  }

  #area(name: string, control: Control, value: unknown, { id, invalid, describedBy }: ControlLinks): TemplateResult {
    const text = typeof value === 'string' && this.#typed.has(name) ? value : textOf(control, value);
    return html`<span class="pf-v6-c-form-control pf-m-textarea ${invalid ? 'pf-m-error' : ''}"
      ><textarea
        id=${id}
        class="gh-code"
        rows=${Math.min(12, Math.max(3, text.split('\n').length))}
        spellcheck="false"
        aria-invalid=${invalid}
        aria-describedby=${describedBy ?? nothing}
        .value=${text}
        @input=${this.#keep(name)}
      ></textarea
    ></span>`;
  }
}

function isExternal(value: unknown): value is string {
  return typeof value === 'string' && /^https?:/i.test(value);
}
