// `ak-stage-authenticator-totp` (flow-executor.md §12): an authenticator app takes the key by picture, link or typing, and
// proves it by a first code.
import type { TotpSetupChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { copyButton } from '../../elements/copy-button.ts';
import { inputField } from '../../elements/field.ts';
import { qrCode } from '../../elements/qr-code.ts';
import { StageElement, type Values } from '../stage-element.ts';
import { userCard } from '../user-card.ts';

export class TotpSetupStage extends StageElement<TotpSetupChallenge> {
  override render() {
    const { config_url: url } = this.challenge;
    const secret = new URL(url).searchParams.get('secret') ?? '';
    return this.form(html`
      ${userCard(this.challenge)} ${this.otherErrors('code')}
      <p class="gh-lead">Scan this with your authenticator app.</p>
      ${qrCode(url, 'QR code with the key for your authenticator app')}
      <details class="gh-details">
        <summary>It cannot be scanned</summary>
        <p>
          On this very device, <a href=${url}>open it in the app</a>. Otherwise type this key into the app:
        </p>
        <p class="gh-secret"><code>${grouped(secret)}</code>${copyButton(secret, 'Copy the key')}</p>
      </details>
      ${inputField({
        name: 'code',
        label: 'Code that the app shows now',
        autocomplete: 'one-time-code',
        inputMode: 'numeric',
        required: true,
        first: true,
        errors: this.errorsOf('code'),
      })}
      ${submitButton('Finish', this.busy)}
    `);
  }

  protected override valuesOf(form: HTMLFormElement): Values {
    const { code } = super.valuesOf(form);
    return { code: typeof code === 'string' ? code.replaceAll(/\s/g, '') : '' };
  }
}

function grouped(secret: string): string {
  return secret.replaceAll(/(.{4})(?=.)/g, '$1 ');
}
