// Chooses the value of a file field (files.md §6.2): a stored or packaged file, an address elsewhere, or nothing. Used for
// icons of applications, logos of brands, backgrounds of flows. The value is that of a text input in the surrounding form,
// told as `gh-picked`, too.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { Api, Page } from '../call/api.ts';
import { notice } from '../elements/notice.ts';
import { searchBox } from '../elements/search-box.ts';
import { messageOf } from '../elements/section.ts';
import { type FileRow, thumbnail } from './files-section.ts';
import type { StoredFile } from './upload.ts';

const mostShown = 60;

export class FilePicker extends LitElement {
  static override properties = {
    label: { attribute: false },
    value: { attribute: false },
    preview: { attribute: false },
    files: { state: true },
    problem: { state: true },
    open: { state: true },
  };
  declare api: Api;
  /** Of the input. */
  declare name: string;
  declare label: string;
  declare value: string;
  /** URL of the picture behind the value; looked up where it is not given. */
  declare preview: string;
  declare files: readonly FileRow[] | undefined;
  declare problem: string | undefined;
  declare open: boolean | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('value') && !isAddress(this.preview)) void this.#lookUp(this.value);
  }

  /** The API shows some objects with the URLs of their pictures, and of others the names only. */
  async #lookUp(value: string): Promise<void> {
    if (value === '' || value.startsWith('fa://')) return;
    const name = value.replaceAll('%(theme)s', 'light');
    const query = { detail: true, page_size: mostShown, search: name };
    const found = await this.api.get<Page<FileRow>>('/admin/file/', query).catch(() => undefined); // no picture, then
    const row = found?.results.find((file) => file.name === value) ?? found?.results.find((file) => file.name === name);
    if (row !== undefined && this.value === value) this.preview = row.themed_urls?.light ?? row.url;
  }

  override render(): TemplateResult {
    const id = `field-${this.name}`;
    const type = (event: Event) => {
      if (!(event.target instanceof HTMLInputElement)) return;
      const { value } = event.target;
      this.#take(value, /^https?:/i.test(value) ? value : '');
    };
    return html`<div class="pf-v6-c-form__group gh-picker">
      <label class="pf-v6-c-form__label" for=${id}><span class="pf-v6-c-form__label-text">${this.label}</span></label>
      <div class="gh-picker__row">
        <span class="gh-thumb">${isAddress(this.preview) ? html`<img src=${this.preview} alt="" />` : nothing}</span>
        <span class="pf-v6-c-form-control"
          ><input id=${id} name=${this.name} type="text" .value=${this.value} placeholder="None" @change=${type}
        /></span>
        <button
          type="button"
          class="pf-v6-c-button pf-m-secondary"
          aria-expanded=${this.open === true ? 'true' : 'false'}
          @click=${() => void this.#toggle()}
        >
          <span class="pf-v6-c-button__text">Choose<span class="pf-v6-screen-reader"> ${this.label}</span></span>
        </button>
      </div>
      ${this.open === true ? this.#panel() : nothing}
    </div>`;
  }

  async #toggle(): Promise<void> {
    this.open = this.open !== true;
    if (this.open) await this.#load('');
  }

  async #load(search: string): Promise<void> {
    try {
      const query = { detail: true, page_size: mostShown, search, ordering: 'name' };
      this.files = (await this.api.get<Page<FileRow>>('/admin/file/', query)).results;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }

  #panel(): TemplateResult {
    const stored = (event: CustomEvent<StoredFile>) => this.#take(event.detail.name, event.detail.url);
    return html`<div class="gh-picker__panel">
      ${this.problem === undefined ? nothing : notice('danger', this.problem)}
      ${searchBox('Search files', (text) => void this.#load(text))}
      <ul class="gh-picker__files">
        ${(this.files ?? []).filter(({ mime_type: type }) => type.startsWith('image/')).map((file) => this.#choice(file))}
      </ul>
      <gh-upload-list .api=${this.api} @gh-stored=${stored}></gh-upload-list>
    </div>`;
  }

  #choice(file: FileRow): TemplateResult {
    return html`<li>
      <button
        type="button"
        class="gh-picker__file"
        aria-pressed=${file.name === this.value ? 'true' : 'false'}
        title=${file.name}
        @click=${() => this.#take(file.name, file.themed_urls?.light ?? file.url)}
      >
        ${thumbnail(file)}<span>${file.name.split('/').at(-1)}</span>
      </button>
    </li>`;
  }

  #take(value: string, preview: string): void {
    this.value = value;
    this.preview = preview;
    this.open = false;
    this.dispatchEvent(new CustomEvent('gh-picked', { detail: value }));
  }
}

function isAddress(text: string): boolean {
  return /^(?:https?:|\/|data:)/i.test(text);
}
