// `ak-stage-access-denied` (flow-executor.md §11.6): the flow is over.
import type { AccessDeniedChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

export class AccessDeniedStage extends StageElement<AccessDeniedChallenge> {
  override render() {
    const { pending_user: user, error_message: reason, flow_info: info } = this.challenge;
    return outcome({
      icon: 'denied',
      severity: 'danger',
      title: 'Request has been denied.',
      body: html`<p role="alert">${reason ?? 'You do not have permission to go on here.'}</p>
        ${user === '' ? '' : html`<p class="gh-quiet">You are known here as <strong>${user}</strong>.</p>`}`,
      actions: [
        ...(info === undefined ? [] : [{ text: 'Start again', href: info.cancel_url }]),
        { text: 'My applications', href: '../../user/' },
      ],
    });
  }
}
