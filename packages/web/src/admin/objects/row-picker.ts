// Chooses rows of a list by name: what is chosen stands above, a search below finds more. Short lists are a plain menu.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { Api, Page } from '../../call/api.ts';
import { rowButton } from '../../elements/button.ts';
import { type ControlLinks, field } from '../../elements/field.ts';
import { searchBox } from '../../elements/search-box.ts';
import { messageOf } from '../../elements/section.ts';
import { type Row, titleOf } from './models.ts';

export type Key = string | number;

interface Choice {
  readonly pk: Key;
  readonly title: string;
}

/** Longer lists are searched. */
const longestMenu = 100;
const mostFound = 8;

export class RowPicker extends LitElement {
  static override properties = {
    errors: { attribute: false },
    chosen: { state: true },
    found: { state: true },
    menu: { state: true },
    problem: { state: true },
    loaded: { state: true },
  };
  declare api: Api;
  declare name: string;
  declare label: string;
  declare help: string | undefined;
  declare path: string;
  declare many: boolean;
  declare optional: boolean;
  declare errors: readonly string[];
  /** Keys that are chosen, in order. */
  declare value: readonly Key[];
  declare chosen: readonly Choice[];
  declare found: readonly Choice[] | undefined;
  /** Every choice, where there are few and one may be taken. */
  declare menu: readonly Choice[] | undefined;
  declare problem: string | undefined;
  declare loaded: boolean;

  constructor() {
    super();
    this.errors = [];
    this.value = [];
    this.chosen = [];
    this.loaded = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      const first = await this.#page('', longestMenu);
      const all = first.pagination.total_pages <= 1;
      const known = new Map(first.results.map((row) => [String(row['pk']), choiceOf(row)]));
      for (const key of this.value) if (!known.has(String(key))) known.set(String(key), await this.#one(key));
      this.chosen = this.value.flatMap((key) => known.get(String(key)) ?? []);
      if (all && !this.many) this.menu = [...known.values()];
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.loaded = true;
  }

  #page(search: string, size: number): Promise<Page<Row>> {
    return this.api.get<Page<Row>>(this.path, { search, page_size: size, include_groups: false, include_users: false });
  }

  /** A row beyond the first page; by its key alone where it cannot be seen. */
  async #one(pk: Key): Promise<Choice> {
    const row = await this.api.get<Row>(`${this.path}${encodeURIComponent(pk)}/`).catch(() => ({ pk, name: `${pk}` }));
    return choiceOf({ ...row, pk });
  }

  #take(chosen: readonly Choice[]): void {
    this.chosen = chosen;
    this.value = chosen.map(({ pk }) => pk);
    this.dispatchEvent(new CustomEvent('gh-chosen', { bubbles: true }));
  }

  override render(): TemplateResult {
    const { name, label, errors, help } = this;
    const problems = this.problem === undefined ? errors : [...errors, this.problem];
    const required = !this.optional && !this.many;
    const options = { name, label, errors: problems, marked: required, ...(help === undefined ? {} : { help }) };
    if (!this.loaded) return html`<p class="gh-quiet">${label} …</p>`;
    if (this.menu !== undefined) return field(options, (links) => this.#menu(links, this.menu ?? []));
    return html`<fieldset class="gh-rows-picker">
      <legend class="pf-v6-c-form__label-text">${label}</legend>
      ${this.#chosenList()} ${this.many || this.chosen.length === 0 ? this.#search() : nothing}
      ${problems.length === 0 ? nothing : html`<p class="pf-v6-c-helper-text__item pf-m-error" role="alert">${problems.join(' ')}</p>`}
      ${help === undefined ? nothing : html`<p class="gh-quiet">${help}</p>`}
    </fieldset>`;
  }

  #menu({ id, invalid, describedBy }: ControlLinks, menu: readonly Choice[]): TemplateResult {
    const choose = ({ target }: Event) => {
      if (target instanceof HTMLSelectElement) this.#take(menu.filter(({ pk }) => String(pk) === target.value));
    };
    const [current] = this.chosen;
    return html`<span class="pf-v6-c-form-control gh-select"
      ><select id=${id} aria-invalid=${invalid} aria-describedby=${describedBy ?? nothing} @change=${choose}>
        <option value="" ?selected=${current === undefined}>${this.optional ? 'None' : 'Choose…'}</option>
        ${menu.map(({ pk, title }) => html`<option value=${pk} ?selected=${pk === current?.pk}>${title}</option>`)}
      </select></span
    >`;
  }

  #chosenList(): TemplateResult {
    if (this.chosen.length === 0) return html`<p class="gh-quiet">None chosen.</p>`;
    const remove = (gone: Choice) => this.#take(this.chosen.filter(({ pk }) => pk !== gone.pk));
    return html`<ul class="gh-chips">
      ${this.chosen.map((one) => html`<li>${one.title} ${rowButton('Remove', one.title, () => remove(one))}</li>`)}
    </ul>`;
  }

  #search(): TemplateResult {
    const search = async (text: string) => {
      const { results } = await this.#page(text, mostFound + this.chosen.length);
      const taken = new Set(this.chosen.map(({ pk }) => pk));
      this.found = results
        .map(choiceOf)
        .filter(({ pk }) => !taken.has(pk))
        .slice(0, mostFound);
    };
    const add = (one: Choice) => {
      this.found = this.found?.filter(({ pk }) => pk !== one.pk);
      this.#take(this.many ? [...this.chosen, one] : [one]);
    };
    return html`<div @focusin=${() => this.found === undefined && void search('')}>
        ${searchBox(`Find ${this.label}`, (text) => void search(text))}
      </div>
      ${
        this.found === undefined
          ? nothing
          : html`<ul class="gh-chips gh-chips--found">
              ${this.found.map((one) => html`<li>${one.title} ${rowButton('Add', one.title, () => add(one))}</li>`)}
            </ul>`
      }`;
  }
}

function choiceOf(row: Row): Choice {
  const { pk, slug } = row;
  const title = titleOf(row);
  const more = typeof slug === 'string' && slug !== title ? ` (${slug})` : '';
  return { pk: typeof pk === 'number' ? pk : String(pk), title: `${title}${more}` };
}
