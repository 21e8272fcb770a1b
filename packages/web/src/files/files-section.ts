// The file page (files.md §8): what is stored and what comes with the release, found, sorted, uploaded, renamed, replaced and
// deleted.
import { html, nothing, type TemplateResult } from 'lit';
import type { Page } from '../call/api.ts';
import { copyButton } from '../elements/copy-button.ts';
import { ask } from '../elements/dialog.ts';
import { type IconName, icon } from '../elements/icon.ts';
import { pager } from '../elements/pager.ts';
import { searchBox } from '../elements/search-box.ts';
import { Section } from '../elements/section.ts';
import { exact, relative } from '../elements/when.ts';
import type { Themed } from '../page-settings.ts';
import { renaming, replacing } from './change-file.ts';
import type { StoredFile } from './upload.ts';

export interface FileRow {
  readonly name: string;
  readonly mime_type: string;
  readonly url: string;
  readonly themed_urls: Themed | null;
  readonly size: number | null;
  readonly modified: string | null;
  readonly manageable: boolean;
  readonly valid_name: boolean;
}

interface UsedBy {
  readonly app: string;
  readonly model_name: string;
  readonly pk: string;
  readonly name: string;
}

const pageSize = 24;
const orders = [
  ['name', 'Name'],
  ['-modified', 'Newest first'],
  ['-size', 'Largest first'],
] as const;

export class FilesSection extends Section<Page<FileRow>> {
  protected readonly heading = 'Files';
  #search = '';
  #order = 'name';
  #page = 1;
  #storedOnly = true;

  protected override load() {
    return this.api.get<Page<FileRow>>('/admin/file/', {
      detail: true,
      page: this.#page,
      page_size: pageSize,
      search: this.#search,
      ordering: this.#order,
      manageable_only: this.#storedOnly,
    });
  }

  protected override show({ results, pagination }: Page<FileRow>): TemplateResult {
    const go = (page: number) => {
      this.#page = page;
      void this.reload();
    };
    return html`<div class="gh-head">
        ${this.headline()}
        ${this.#tools()}
      </div>
      <gh-upload-list .api=${this.api} @gh-stored=${() => void this.reload()}></gh-upload-list>
      <p role="status" class="gh-quiet">${pagination.count} files</p>
      ${results.length === 0 ? html`<div class="gh-empty">${icon('image')}<p>No file is here yet.</p></div>` : nothing}
      <ul class="gh-files" aria-label="Files">
        ${results.map((file) => this.#tile(file))}
      </ul>
      ${pager(pagination, go)}`;
  }

  #tools(): TemplateResult {
    const reorder = (event: Event) => {
      if (event.target instanceof HTMLSelectElement) this.#order = event.target.value;
      this.#page = 1;
      void this.reload();
    };
    const widen = (event: Event) => {
      if (event.target instanceof HTMLInputElement) this.#storedOnly = !event.target.checked;
      this.#page = 1;
      void this.reload();
    };
    const search = (text: string) => {
      this.#search = text;
      this.#page = 1;
      void this.reload();
    };
    return html`<div class="gh-tools">
      <label class="gh-check"><input type="checkbox" @change=${widen} /> Packaged, too</label>
      <select class="gh-select-small" aria-label="Order" @change=${reorder}>
        ${orders.map(([value, label]) => html`<option value=${value}>${label}</option>`)}
      </select>
      ${searchBox('Search files', search)}
    </div>`;
  }

  #tile(file: FileRow): TemplateResult {
    return html`<li class="gh-file-tile">
      ${thumbnail(file)}
      <strong title=${file.name}>${file.name}</strong>
      <span class="gh-quiet"
        >${file.size === null ? 'packaged' : sizeOf(file.size)}${
          file.modified === null
            ? nothing
            : html` · <time title=${exact(file.modified)}>${relative(file.modified)}</time>`
        }</span
      >
      ${file.valid_name ? nothing : html`<span class="gh-quiet">This name cannot be used in links.</span>`}
      <span class="gh-file-tile__actions">
        ${copyButton(file.name)}
        ${file.manageable ? this.#changes(file) : nothing}
      </span>
    </li>`;
  }

  #changes({ name }: FileRow): TemplateResult {
    const change = (picture: IconName, word: string, act: () => Promise<unknown>) =>
      html`<button
        type="button"
        class="pf-v6-c-button pf-m-plain pf-m-small"
        aria-label=${`${word} ${name}`}
        title=${word}
        @click=${() => void act()}
      >
        ${icon(picture)}
      </button>`;
    return html`${change('pencil', 'Rename', () => this.#rename(name))}
    ${change('replace', 'Replace', () => this.#replace(name))} ${change('trash', 'Delete', () => this.#delete(name))}`;
  }

  async #rename(name: string): Promise<void> {
    await this.askAndDo(renaming(this.api, name), ({ name: to }) => `${name} is now ${to}.`);
  }

  /** The address of the file stays, and this browser would show the old content as long as it may. */
  async #replace(name: string): Promise<void> {
    const forget = async ({ url }: StoredFile) => {
      await fetch(url, { cache: 'reload' }).catch(() => undefined); // another origin need not allow it
    };
    await this.askAndDo(replacing(this.api, name, forget), () => `${name} was replaced.`);
  }

  /** Says first what would lose its picture. */
  async #delete(name: string): Promise<void> {
    const users = await this.api.get<readonly UsedBy[]>('/admin/file/used_by/', { name });
    const sure = await ask({
      title: `Delete ${name}?`,
      body: users.length === 0 ? 'Nothing shows this file.' : usersOf(users),
      action: users.length === 0 ? 'Delete' : 'Delete it anyway',
      dangerous: true,
    });
    if (sure === undefined) return;
    const query = new URLSearchParams({ name });
    await this.act(`${name} was deleted.`, () => this.api.send('DELETE', `/admin/file/?${query}`));
  }
}

function usersOf(users: readonly UsedBy[]): TemplateResult {
  return html`<p>These show it, and would be left without a picture:</p>
    <ul class="gh-list">
      ${users.map(({ name, model_name: model }) => html`<li><strong>${name}</strong> <span>(${model})</span></li>`)}
    </ul>`;
}

export function thumbnail({ url, mime_type: type, name, themed_urls: variants, modified }: FileRow): TemplateResult {
  const isImage = type.startsWith('image/') && url !== '';
  // Its name for the browser changes with its content, so that a replaced picture is drawn anew.
  const version = modified === null ? '' : `#${Date.parse(modified)}`;
  return html`<span class="gh-thumb"
    >${
      isImage
        ? html`<img src=${(variants?.light ?? url) + version} alt="" loading="lazy" />`
        : html`<span>${name.split('.').at(-1)?.toUpperCase() ?? ''}</span>`
    }</span
  >`;
}

export function sizeOf(bytes: number): string {
  const [value, unit] =
    bytes < 1000 ? [bytes, 'byte'] : bytes < 1e6 ? [bytes / 1e3, 'kilobyte'] : [bytes / 1e6, 'megabyte'];
  return new Intl.NumberFormat('en', { style: 'unit', unit, maximumSignificantDigits: 3 }).format(value);
}
