// Everything this user was told, to be marked as seen or deleted.
import { html, type TemplateResult } from 'lit';
import type { Page } from '../call/api.ts';
import { rowButton } from '../elements/button.ts';
import { pager } from '../elements/pager.ts';
import { Section } from '../elements/section.ts';
import { seenElsewhere } from './bell.ts';
import { type Notification, notificationRow, notificationsPath } from './notification.ts';

const pageSize = 20;

export class NotificationsSection extends Section<Page<Notification>> {
  protected readonly heading = 'Notifications';
  declare userPk: number;
  #page = 1;
  readonly #arrived = () => void this.reload();

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('gh-notification', this.#arrived);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('gh-notification', this.#arrived);
  }

  protected override load() {
    const query = { user: this.userPk, ordering: '-created', page: this.#page, page_size: pageSize };
    return this.api.get<Page<Notification>>(notificationsPath, query);
  }

  protected override show({ results, pagination }: Page<Notification>): TemplateResult {
    const go = (page: number) => {
      this.#page = page;
      void this.reload();
    };
    const allSeen = () =>
      void this.#change('Everything is marked as seen.', () =>
        this.api.send('POST', `${notificationsPath}mark_all_seen/`),
      );
    return html`<div class="gh-head">
        ${this.headline()}
        <button type="button" class="pf-v6-c-button pf-m-secondary" @click=${allSeen}>Mark all as seen</button>
      </div>
      ${
        results.length === 0
          ? html`<p class="gh-quiet">You have none.</p>`
          : html`<ul class="gh-rows">
              ${results.map((one) => notificationRow(one, this.#actions(one)))}
            </ul>`
      }
      ${pager(pagination, go)}`;
  }

  #actions({ pk, body, seen }: Notification): TemplateResult {
    const path = `${notificationsPath}${pk}/`;
    const toggle = () =>
      void this.#change(seen ? 'It is marked as not seen.' : 'It is marked as seen.', () =>
        this.api.send('PATCH', path, { seen: !seen }),
      );
    const remove = () => void this.#change('The notification was deleted.', () => this.api.send('DELETE', path));
    return html`${rowButton(seen ? 'Not seen' : 'Seen', body, toggle)} ${rowButton('Delete', body, remove)}`;
  }

  async #change(done: string, work: () => Promise<unknown>): Promise<void> {
    if (await this.act(done, work)) window.dispatchEvent(new CustomEvent(seenElsewhere));
  }
}
