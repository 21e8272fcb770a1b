// `ak-stage-dummy` (flow-executor.md §11.8): for trying flows out.
import type { DummyChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { StageElement } from '../stage-element.ts';

export class DummyStage extends StageElement<DummyChallenge> {
  override render() {
    return this.form(html`
      ${this.otherErrors()}
      <p class="gh-lead" tabindex="-1" data-first>Stage name: <strong>${this.challenge.name}</strong></p>
      ${submitButton('Continue', this.busy)}
    `);
  }
}
