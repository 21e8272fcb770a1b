// The library: every application that this user may open, by group, with a search that needs no server.
import { html, nothing, type TemplateResult } from 'lit';
import { tile } from '../elements/avatar.ts';
import { icon } from '../elements/icon.ts';
import { Section } from '../elements/section.ts';
import type { Themed } from '../page-settings.ts';

export interface ApplicationRow {
  readonly pk: string;
  readonly slug: string;
  readonly name: string;
  readonly group: string;
  readonly launch_url: string | null;
  readonly open_in_new_tab: boolean;
  readonly meta_icon_url: string | null;
  readonly meta_icon_themed_urls: Themed | null;
  readonly meta_description: string;
  readonly meta_publisher: string;
  readonly meta_hide: boolean;
}

export class ApplicationsSection extends Section<readonly ApplicationRow[]> {
  protected readonly heading = 'My applications';
  static override properties = { ...Section.properties, wanted: { state: true } };
  declare wanted: string | undefined;

  protected override async load() {
    const rows = await this.api.all<ApplicationRow>('/core/applications/', { only_with_launch_url: true });
    return rows.filter(({ launch_url: url, meta_hide: hidden }) => url !== null && url !== 'blank://blank' && !hidden);
  }

  protected override show(rows: readonly ApplicationRow[]): TemplateResult {
    const wanted = (this.wanted ?? '').trim().toLowerCase();
    const found = rows.filter((row) =>
      `${row.name} ${row.meta_description} ${row.group}`.toLowerCase().includes(wanted),
    );
    const groups = [...new Set(found.map(({ group }) => group))].sort();
    return html`<div class="gh-head">
        ${this.headline()}
        ${rows.length === 0 ? nothing : this.#search()}
      </div>
      <p class="pf-v6-screen-reader" role="status">${found.length} applications</p>
      ${found.length === 0 ? empty(wanted) : nothing}
      ${groups.map(
        (group) => html`<section>
          ${group === '' ? nothing : html`<h2 class="gh-group">${group}</h2>`}
          <ul class="gh-library">
            ${found.filter((row) => row.group === group).map(card)}
          </ul>
        </section>`,
      )}`;
  }

  /** Enter opens the only one left. */
  #search(): TemplateResult {
    const search = (event: Event) => {
      if (event.target instanceof HTMLInputElement) this.wanted = event.target.value;
    };
    const open = (event: SubmitEvent) => {
      event.preventDefault();
      const links = this.querySelectorAll<HTMLAnchorElement>('.gh-card');
      if (links.length === 1) links[0]?.click();
    };
    return html`<form role="search" class="gh-search" @submit=${open}>
      ${icon('search')}
      <input type="search" aria-label="Search my applications" placeholder="Search" @input=${search} />
    </form>`;
  }
}

function card(row: ApplicationRow): TemplateResult {
  const { name, meta_description: about, meta_publisher: publisher } = row;
  return html`<li>
    <a
      class="gh-card"
      href=${`../../application/launch/${row.slug}/`}
      target=${row.open_in_new_tab ? '_blank' : '_self'}
      rel=${row.open_in_new_tab ? 'noopener' : ''}
    >
      ${tile(name, row.meta_icon_url, row.meta_icon_themed_urls)}
      <span class="gh-card__text">
        <strong>${name}</strong>
        ${about === '' ? nothing : html`<span>${about}</span>`}
        ${publisher === '' ? nothing : html`<small>${publisher}</small>`}
      </span>
      ${row.open_in_new_tab ? html`<span class="pf-v6-screen-reader">opens in a new tab</span>` : nothing}
    </a>
  </li>`;
}

function empty(wanted: string): TemplateResult {
  const [title, text] =
    wanted === ''
      ? ['There is nothing here yet.', 'Applications appear as soon as an administrator lets you use them.']
      : ['Nothing matches.', 'Try fewer letters.'];
  return html`<div class="gh-empty">${icon('apps')}<h2 class="pf-v6-c-title pf-m-lg">${title}</h2><p>${text}</p></div>`;
}
