// `xak-flow-redirect` while the flow is inspected: the end of the flow can be looked at before the page leaves.
import type { RedirectChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';
import { safeTarget } from './redirect.ts';

export class HeldRedirectStage extends StageElement<RedirectChallenge> {
  override render() {
    const target = safeTarget(this.challenge.to);
    return outcome({
      icon: 'right',
      severity: 'info',
      title: 'The flow leads elsewhere.',
      body: html`<p>Without the inspector the page would leave for <code>${this.challenge.to}</code>.</p>`,
      actions: target === undefined ? [] : [{ text: 'Go there', href: target }],
    });
  }
}
