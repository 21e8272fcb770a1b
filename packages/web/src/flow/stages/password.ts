// `ak-stage-password` (flow-executor.md §11.2).
import type { PasswordChallenge } from '@gatehouse/contract/flow';
import { html, nothing } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { passwordField } from '../password-field.ts';
import { StageElement } from '../stage-element.ts';
import { userCard } from '../user-card.ts';

export class PasswordStage extends StageElement<PasswordChallenge> {
  override render() {
    const { challenge, busy } = this;
    return html`
      ${this.form(html`
        ${userCard(challenge)} ${this.otherErrors('password')}
        ${passwordField({ mayShow: challenge.allow_show_password, errors: this.errorsOf('password'), first: true })}
        ${submitButton('Continue', busy)}
      `)}
      ${
        challenge.recovery_url === undefined
          ? nothing
          : html`<ul class="gh-links">
              <li><a href=${challenge.recovery_url}>Forgot password?</a></li>
            </ul>`
      }
    `;
  }
}
