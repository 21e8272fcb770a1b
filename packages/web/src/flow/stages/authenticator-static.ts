// `ak-stage-authenticator-static` (flow-executor.md §12): recovery codes, shown this once.
import type { StaticSetupChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { copyButton } from '../../elements/copy-button.ts';
import { icon } from '../../elements/icon.ts';
import { StageElement, type Values } from '../stage-element.ts';
import { userCard } from '../user-card.ts';

export class StaticSetupStage extends StageElement<StaticSetupChallenge> {
  override render() {
    const { codes } = this.challenge;
    return this.form(html`
      ${userCard(this.challenge)} ${this.otherErrors()}
      <p class="gh-lead" tabindex="-1" data-first>
        Each of these codes lets you in once. They are not shown again: keep them in a safe place.
      </p>
      <ul class="gh-codes" aria-label="Recovery codes">
        ${codes.map((code) => html`<li><code>${code}</code></li>`)}
      </ul>
      <div class="gh-row">
        ${copyButton(codes.join('\n'))}
        <a
          class="pf-v6-c-button pf-m-secondary pf-m-small"
          download="recovery-codes.txt"
          href=${`data:text/plain;charset=utf-8,${encodeURIComponent(`${codes.join('\n')}\n`)}`}
        >
          <span class="pf-v6-c-button__icon pf-m-start">${icon('download')}</span>
          <span class="pf-v6-c-button__text">Download</span>
        </a>
      </div>
      ${submitButton('I have kept them', this.busy)}
    `);
  }

  protected override valuesOf(): Values {
    return {};
  }
}
