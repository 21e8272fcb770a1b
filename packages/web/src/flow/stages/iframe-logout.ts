// `ak-provider-iframe-logout` (flow-executor.md §12, OpenID Connect Front-Channel Logout 1.0 §2): each application is told in a
// frame that nobody sees; then the flow goes on, also where one of them does not answer.
import type { IframeLogoutChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { spinner } from '../../elements/button.ts';
import { StageElement } from '../stage-element.ts';

/** What an application that does not answer costs. */
const patienceMs = 5_000;

export class IframeLogoutStage extends StageElement<IframeLogoutChallenge> {
  #loaded = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  override firstUpdated(): void {
    this.#timer = setTimeout(() => this.send({}), patienceMs);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  override render() {
    const urls = this.challenge.logout_urls.filter(({ url }) => /^https?:\/\//i.test(url));
    const done = () => {
      this.#loaded += 1;
      if (this.#loaded === urls.length) this.send({});
    };
    const names = urls.map(({ url, provider_name: name }) => name ?? new URL(url).host);
    return html`<div class="gh-waiting" data-first tabindex="-1">
      ${spinner('Signing out', 'xl')}
      <p role="status">You are being signed out of ${names.join(', ')}.</p>
      ${urls.map(({ url }) => html`<iframe hidden title="Sign-out of an application" src=${url} @load=${done}></iframe>`)}
      <button type="button" class="pf-v6-c-button pf-m-link" @click=${() => this.send({})}>Go on now</button>
    </div>`;
  }
}
