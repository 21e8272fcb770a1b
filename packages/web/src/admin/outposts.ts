// Outposts for administrators: what they serve, and whether they are there.
import { html, type TemplateResult } from 'lit';
import { icon } from '../elements/icon.ts';
import { Section } from '../elements/section.ts';
import { exact, relative } from '../elements/when.ts';

interface OutpostRow {
  readonly pk: string;
  readonly name: string;
  readonly type: string;
  readonly providers_obj: readonly { readonly name: string }[];
}

interface Health {
  readonly uid: string;
  readonly hostname: string;
  readonly version: string;
  readonly version_outdated: boolean;
  readonly last_seen: string;
}

interface Outpost extends OutpostRow {
  readonly health: readonly Health[];
}

const refreshMs = 10_000;

export class OutpostsSection extends Section<readonly Outpost[]> {
  #timer: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => void this.reload(), refreshMs);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override async load() {
    const rows = await this.api.all<OutpostRow>('/outposts/instances/');
    return Promise.all(
      rows.map(async (row) => ({
        ...row,
        health: await this.api.get<readonly Health[]>(`/outposts/instances/${row.pk}/health/`),
      })),
    );
  }

  protected override show(rows: readonly Outpost[]): TemplateResult {
    return html`<h1 class="pf-v6-c-title pf-m-2xl">Outposts</h1>
      <ul class="gh-rows">
        ${rows.map(
          (row) => html`<li class="gh-row-card">
            <span class="gh-row-card__icon">${icon('server')}</span>
            <span class="gh-row-card__text">
              <strong>${row.name}</strong>
              <span>${row.type} · ${row.providers_obj.map(({ name }) => name).join(', ') || 'no providers'}</span>
            </span>
            <ul class="gh-health">
              ${row.health.length === 0 ? html`<li><span class="gh-badge gh-badge--off">not connected</span></li>` : ''}
              ${row.health.map(instance)}
            </ul>
          </li>`,
        )}
      </ul>`;
  }
}

function instance({ hostname, version, version_outdated: old, last_seen: seen }: Health): TemplateResult {
  return html`<li>
    <span class="gh-badge ${old ? 'gh-badge--warn' : ''}">${old ? 'other version' : 'connected'}</span>
    ${hostname} <span class="gh-quiet">${version}, seen <time title=${exact(seen)}>${relative(seen)}</time></span>
  </li>`;
}
