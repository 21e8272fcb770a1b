// Any component that these pages do not know: says so, and how to go on.
import { html } from 'lit';
import type { ReceivedChallenge } from '../executor.ts';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

export class UnknownStage extends StageElement<ReceivedChallenge> {
  override render() {
    const { component, flow_info: info } = this.challenge;
    return outcome({
      icon: 'info',
      severity: 'warning',
      title: 'This step cannot be shown here.',
      body: html`<p role="alert">The next step of this flow is of a kind that these pages do not support.</p>
        <p class="gh-quiet">Ask your administrator to take the stage <code>${component}</code> out of the flow.</p>`,
      actions: info === undefined ? [] : [{ text: 'Start again', href: info.cancel_url }],
    });
  }
}
