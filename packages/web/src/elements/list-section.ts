// A list of the API as a table: searched and paged by the core.
import { html, nothing, type TemplateResult } from 'lit';
import type { Page, Query } from '../call/api.ts';
import { pager } from './pager.ts';
import { searchBox } from './search-box.ts';
import { Section } from './section.ts';
import { exact } from './when.ts';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => unknown;
}

const pageSize = 20;

export abstract class ListSection<T> extends Section<Page<T>> {
  #search = '';
  #page = 1;
  /** Looks at rows before this moment only. */
  #before = '';

  protected abstract readonly path: string;
  protected abstract readonly columns: readonly Column<T>[];
  protected query: Query = {};

  protected override load(): Promise<Page<T>> {
    const query = {
      ...this.query,
      page: this.#page,
      page_size: pageSize,
      search: this.#search,
      search_before: this.#before,
    };
    return this.api.get<Page<T>>(this.path, query);
  }

  /** Beside the search: what can be made. */
  protected actions(): TemplateResult | typeof nothing {
    return nothing;
  }

  protected override show({ results, pagination, searched }: Page<T>): TemplateResult {
    const search = (text: string, before = '') => {
      this.#search = text;
      this.#before = before;
      this.#page = 1;
      void this.reload();
    };
    const go = (page: number) => {
      this.#page = page;
      void this.reload();
    };
    return html`<div class="gh-head">
        ${this.headline()}
        <div class="gh-tools">${searchBox(`Search ${this.heading.toLowerCase()}`, (text) => search(text))} ${this.actions()}</div>
      </div>
      <p role="status" class="gh-quiet">${pagination.count} found${searched && html`, back to ${exact(searched.since)}`}</p>
      ${searched && further(() => search(this.#search, searched.since))}
      ${table(this.heading, this.columns, results)} ${pager(pagination, go)}`;
  }
}

const further = (look: () => void) =>
  html`<button type="button" class="pf-v6-c-button pf-m-link pf-m-inline" @click=${look}>Look further back</button>`;

/** Scrolls by itself where the page is narrow, by keyboard, too. */
export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): TemplateResult {
  return html`<div class="gh-table" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <thead>
        <tr>
          ${columns.map(({ title }) => html`<th scope="col">${title || html`<span class="pf-v6-screen-reader">Actions</span>`}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(({ cell }) => html`<td>${cell(row)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
