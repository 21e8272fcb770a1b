// `ak-stage-user-login` (flow-executor.md §11.4): whether the session outlives the browser.
import type { UserLoginChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { spinner } from '../../elements/button.ts';
import { StageElement } from '../stage-element.ts';
import { userCard } from '../user-card.ts';

export class UserLoginStage extends StageElement<UserLoginChallenge> {
  override render() {
    const choice = (text: string, remember: boolean, look: string) => html`<button
      type="button"
      class="pf-v6-c-button ${look} pf-m-block"
      ?data-first=${remember}
      aria-disabled=${this.busy ? 'true' : 'false'}
      @click=${() => this.send({ remember_me: remember })}
    >
      ${text}
    </button>`;
    return html`${userCard(this.challenge)} ${this.otherErrors()}
      <h2 class="pf-v6-c-title pf-m-lg">Stay signed in?</h2>
      <p class="gh-lead">Choose yes to be asked less often. Choose no on a device that others use, too.</p>
      <div class="gh-outcome__actions">
        ${choice('Yes, stay signed in', true, 'pf-m-primary')} ${choice('No', false, 'pf-m-secondary')}
      </div>
      ${this.busy ? html`<div class="gh-waiting">${spinner('Signing in')}</div>` : ''}`;
  }
}
