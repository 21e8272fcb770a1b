// Files on their way: dropped or chosen, one after the other, each with its progress, and with what went wrong.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { Api } from '../call/api.ts';
import { icon } from '../elements/icon.ts';
import { messageOf } from '../elements/section.ts';
import { fileName, type StoredFile, type Upload, upload } from './upload.ts';

interface Item {
  readonly file: File;
  readonly name: string;
  share: number;
  problem?: string;
  finished: boolean;
  running?: Upload;
}

const listUrl = '/admin/file/';
const largestBytes = 26_214_400;

/** Fires `gh-stored` with each stored file. */
export class UploadList extends LitElement {
  static override properties = { items: { state: true }, over: { state: true } };
  declare api: Api;
  declare items: readonly Item[] | undefined;
  declare over: boolean | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const chosen = (event: Event) => {
      if (!(event.target instanceof HTMLInputElement)) return;
      void this.#take([...(event.target.files ?? [])]);
      event.target.value = '';
    };
    return html`<div
        class="gh-drop ${this.over === true ? 'gh-drop--over' : ''}"
        @dragover=${this.#drag}
        @dragleave=${this.#leave}
        @drop=${this.#drop}
      >
        ${icon('upload')}
        <p>Drop images here, or</p>
        <label class="pf-v6-c-button pf-m-secondary gh-drop__choose">
          <span class="pf-v6-c-button__text">Choose files</span>
          <input type="file" multiple class="gh-drop__input" @change=${chosen} />
        </label>
        <p class="gh-quiet">Up to 25 MB each. Letters, digits, points and dashes stay in the name.</p>
      </div>
      <ul class="gh-rows" aria-label="Uploads">
        ${(this.items ?? []).map((item) => this.#row(item))}
      </ul>
      <p class="pf-v6-screen-reader" role="status">${this.#summary()}</p>`;
  }

  #row(item: Item): TemplateResult {
    const percent = Math.round(item.share * 100);
    const state = item.problem ?? (item.finished ? 'Stored' : `${percent} %`);
    return html`<li class="gh-row-card ${item.problem === undefined ? '' : 'gh-row-card--bad'}">
      <span class="gh-row-card__icon">${icon(item.problem !== undefined ? 'warning' : item.finished ? 'check' : 'upload')}</span>
      <span class="gh-row-card__text">
        <strong>${item.name}</strong>
        <span>${state}</span>
        ${
          item.finished || item.problem !== undefined
            ? nothing
            : html`<progress max="100" .value=${percent} aria-label=${`Upload of ${item.name}`}></progress>`
        }
      </span>
      ${
        item.finished || item.problem !== undefined
          ? nothing
          : html`<button type="button" class="pf-v6-c-button pf-m-link pf-m-small" @click=${() => item.running?.abort()}>
              <span class="pf-v6-c-button__text">Cancel<span class="pf-v6-screen-reader"> upload of ${item.name}</span></span>
            </button>`
      }
    </li>`;
  }

  #summary(): string {
    const items = this.items ?? [];
    const stored = items.filter(({ finished }) => finished).length;
    const failed = items.filter(({ problem }) => problem !== undefined).length;
    return items.length === 0
      ? ''
      : `${stored} of ${items.length} files stored${failed > 0 ? `, ${failed} failed` : ''}.`;
  }

  #drag(event: DragEvent): void {
    event.preventDefault();
    this.over = true;
  }

  #leave(): void {
    this.over = false;
  }

  #drop(event: DragEvent): void {
    event.preventDefault();
    this.over = false;
    void this.#take([...(event.dataTransfer?.files ?? [])]);
  }

  async #take(files: readonly File[]): Promise<void> {
    const items = files.map((file): Item => ({ file, name: fileName(file.name), share: 0, finished: false }));
    this.items = [...(this.items ?? []).filter(({ finished }) => !finished), ...items];
    for (const item of items) await this.#send(item);
  }

  async #send(item: Item): Promise<void> {
    try {
      if (item.file.size > largestBytes) throw new Error('This file is larger than 25 MB.');
      const url = this.api.url(listUrl, { detail: true });
      item.running = upload(url, item.file, item.name, (share) => {
        item.share = share;
        this.requestUpdate();
      });
      const stored = await item.running.done;
      item.finished = true;
      this.dispatchEvent(new CustomEvent<StoredFile>('gh-stored', { detail: stored, bubbles: true }));
    } catch (error) {
      item.problem = messageOf(error);
    }
    this.requestUpdate();
  }
}
