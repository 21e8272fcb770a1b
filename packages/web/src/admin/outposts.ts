// Outposts for administrators: what they serve, whether they are there, and how one is started.
import { html, type TemplateResult } from 'lit';
import { rowButton } from '../elements/button.ts';
import { icon } from '../elements/icon.ts';
import { messageOf, Section } from '../elements/section.ts';
import { exact, relative } from '../elements/when.ts';
import { type DeployedOutpost, showDeployment } from './deployment.ts';
import type { Row } from './objects/models.ts';
import { makeQuestion } from './objects/questions.ts';
import { deleteButton, editButton } from './objects/row-buttons.ts';

interface OutpostRow extends DeployedOutpost, Row {
  readonly pk: string;
  readonly managed: string | null;
  readonly providers_obj: readonly { readonly name: string }[];
}

interface Health {
  readonly uid: string;
  readonly hostname: string;
  readonly version: string;
  readonly version_outdated: boolean;
  readonly last_seen: string;
}

interface Outpost {
  readonly row: OutpostRow;
  readonly health: readonly Health[];
}

const path = '/outposts/instances/';
const refreshMs = 10_000;

export class OutpostsSection extends Section<readonly Outpost[]> {
  protected readonly heading = 'Outposts';
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
    const rows = await this.api.all<OutpostRow>(path);
    return Promise.all(
      rows.map(async (row) => ({ row, health: await this.api.get<readonly Health[]>(`${path}${row.pk}/health/`) })),
    );
  }

  protected override show(outposts: readonly Outpost[]): TemplateResult {
    const create = () => void this.askWhenReady(makeQuestion(this.api, { path }), 'The outpost was created.');
    return html`<div class="gh-head">
        ${this.headline()}
        <button type="button" class="pf-v6-c-button pf-m-primary" @click=${create}>New outpost</button>
      </div>
      <ul class="gh-rows">
        ${outposts.map((outpost) => this.#outpost(outpost))}
      </ul>`;
  }

  #outpost({ row, health }: Outpost): TemplateResult {
    return html`<li class="gh-row-card">
      <span class="gh-row-card__icon">${icon('server')}</span>
      <span class="gh-row-card__text">
        <strong>${row.name}</strong>
        <span>${row.type} · ${row.providers_obj.map(({ name }) => name).join(', ') || 'no providers'}</span>
      </span>
      <ul class="gh-health">
        ${health.length === 0 ? html`<li><span class="gh-badge gh-badge--off">not connected</span></li>` : ''}
        ${health.map(instance)}
      </ul>
      <span class="gh-row-actions">${this.#actions(row)}</span>
    </li>`;
  }

  #actions(row: OutpostRow): TemplateResult {
    const deploy = async () => {
      try {
        await showDeployment(this.api, row);
      } catch (error) {
        this.message = { kind: 'danger', text: messageOf(error) };
      }
    };
    const named = { path, row, title: row.name };
    const own = row.managed === null || row.managed === '';
    return html`${own ? rowButton('Deploy', row.name, () => void deploy()) : ''} ${editButton(this, named)}
    ${own ? deleteButton(this, named) : ''}`;
  }
}

function instance({ hostname, version, version_outdated: old, last_seen: seen }: Health): TemplateResult {
  return html`<li>
    <span class="gh-badge ${old ? 'gh-badge--warn' : ''}">${old ? 'other version' : 'connected'}</span>
    ${hostname} <span class="gh-quiet">${version}, seen <time title=${exact(seen)}>${relative(seen)}</time></span>
  </li>`;
}
