// `ak-stage-autosubmit` (flow-executor.md §12): posts a form to an application, by itself or by the button.
import type { AutosubmitChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { spinner } from '../../elements/button.ts';
import { StageElement } from '../stage-element.ts';

export class AutosubmitStage extends StageElement<AutosubmitChallenge> {
  override firstUpdated(): void {
    this.querySelector('form')?.submit();
  }

  override render() {
    const { url, attrs, title } = this.challenge;
    const target = /^https?:/.test(new URL(url, location.href).protocol) ? url : '';
    return html`<form class="gh-waiting" method="post" action=${target}>
      ${spinner('Sending', 'xl')}
      <p role="status">${title ?? 'You are being taken on.'}</p>
      ${Object.entries(attrs).map(([name, value]) => html`<input type="hidden" name=${name} .value=${value} />`)}
      <button type="submit" class="pf-v6-c-button pf-m-link">Go on now</button>
    </form>`;
  }
}
