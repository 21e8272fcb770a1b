// `ak-stage-flow-error` (flow-executor.md §9.5): something broke in the core. Details are there for administrators only.
import type { FlowErrorChallenge } from '@gatehouse/contract/flow';
import { html, nothing } from 'lit';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

export class FlowErrorStage extends StageElement<FlowErrorChallenge> {
  override render() {
    const { request_id, error, traceback } = this.challenge;
    return outcome({
      icon: 'warning',
      severity: 'danger',
      title: 'Something went wrong.',
      body: html`<p role="alert">The server could not go on with this. Nothing you typed is the cause.</p>
        <p class="gh-quiet">Tell your administrator this number: <code>${request_id}</code></p>
        ${
          error === undefined
            ? nothing
            : html`<details class="gh-details">
                <summary>${error}</summary>
                <pre tabindex="0">${traceback ?? ''}</pre>
              </details>`
        }`,
      actions: [{ text: 'Start again', act: () => location.reload() }],
    });
  }
}
