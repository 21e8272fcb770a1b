// The bell in the masthead: how much is unseen, told as it happens, and a drawer with it.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { Api, Page } from '../call/api.ts';
import { rowButton } from '../elements/button.ts';
import { icon } from '../elements/icon.ts';
import { notice } from '../elements/notice.ts';
import { messageOf } from '../elements/section.ts';
import { type Feed, openFeed } from './feed.ts';
import { type Notification, notificationRow, notificationsPath } from './notification.ts';

/** Told by other elements that have changed what is seen. */
export const seenElsewhere = 'gh-notifications-seen';

const mostShown = 20;

export class NotificationBell extends LitElement {
  static override properties = { unseen: { state: true }, count: { state: true }, problem: { state: true } };
  declare api: Api;
  declare base: string;
  declare userPk: number;
  /** The newest, first. */
  declare unseen: readonly Notification[];
  declare count: number;
  declare problem: string | undefined;
  /** What screen readers are told. */
  #told = '';
  #feed: Feed | undefined;
  readonly #changed = () => void this.#load();

  constructor() {
    super();
    this.unseen = [];
    this.count = 0;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener(seenElsewhere, this.#changed);
    this.#feed = openFeed(this.base, {
      onNotification: (notification) => {
        this.#told = `New notification: ${notification.body}`;
        this.unseen = [notification, ...this.unseen].slice(0, mostShown);
        this.count += 1;
        window.dispatchEvent(new CustomEvent('gh-notification'));
      },
      onGap: this.#changed,
    });
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener(seenElsewhere, this.#changed);
    this.#feed?.close();
  }

  async #load(): Promise<void> {
    const query = { seen: false, user: this.userPk, ordering: '-created', page_size: mostShown };
    try {
      const { results, pagination } = await this.api.get<Page<Notification>>(notificationsPath, query);
      this.unseen = results;
      this.count = pagination.count;
      this.problem = undefined;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }

  async #act(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.problem = messageOf(error);
      return;
    }
    await this.#load();
    this.querySelector<HTMLElement>('#notifications')?.focus();
  }

  override render(): TemplateResult {
    const { count } = this;
    return html`<button type="button" class="gh-bell" popovertarget="notifications" title="Notifications">
        ${icon('bell')}<span class="pf-v6-screen-reader"
          >${count === 0 ? 'Notifications' : `Notifications, ${count} not seen`}</span
        >${count === 0 ? nothing : html`<span class="gh-bell__count" aria-hidden="true">${count > 99 ? '99+' : count}</span>`}
      </button>
      <span class="pf-v6-screen-reader" role="status">${this.#told}</span>
      <section id="notifications" class="gh-drawer" popover tabindex="-1" aria-label="Notifications">
        <h2 class="pf-v6-c-title pf-m-lg">Notifications</h2>
        ${this.problem === undefined ? nothing : notice('danger', this.problem)}
        ${count === 0 ? html`<p class="gh-quiet">Nothing that you have not seen.</p>` : this.#list()}
        <a href=${`${this.base}if/user/#notifications`} @click=${this.#close}>All notifications</a>
      </section>`;
  }

  #list(): TemplateResult {
    const seen = ({ pk }: Notification) =>
      void this.#act(() => this.api.send('PATCH', `${notificationsPath}${pk}/`, { seen: true }));
    const all = () => void this.#act(() => this.api.send('POST', `${notificationsPath}mark_all_seen/`));
    return html`<ul>
        ${this.unseen.map((one) =>
          notificationRow(
            one,
            rowButton('Seen', one.body, () => seen(one)),
          ),
        )}
      </ul>
      <button type="button" class="pf-v6-c-button pf-m-secondary" @click=${all}>Mark all as seen</button>`;
  }

  readonly #close = () => this.querySelector<HTMLElement>('#notifications')?.hidePopover();
}
