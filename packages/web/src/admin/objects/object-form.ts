// The fields of one object, drawn from its model. What is required and what people look for first stands open, the rest
// below "More settings". Complaints of the core stand at their fields.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { type Api, ApiProblem } from '../../call/api.ts';
import { field } from '../../elements/field.ts';
import { controlOf, readText } from './control.ts';
import type { ObjectModel, Property, Row } from './models.ts';
import { objectField } from './object-field.ts';
import { labelOf } from './words.ts';

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
    return objectField({
      api: this.api,
      name,
      label: labelOf(name, this.model.noun),
      property,
      control: controlOf(name, property),
      value: this.#valueOf(name, property),
      isTyped: this.#typed.has(name),
      isStored: this.row !== undefined,
      preview: this.row?.[`${name}_url`],
      errors: this.errors[name] ?? [],
      marked: this.row === undefined && this.model.required.includes(name),
      keep: (value) => void this.#typed.set(name, value),
      kept: () => this.#typed.get(name),
    });
  }
}
