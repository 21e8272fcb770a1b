// `ak-stage-session-end` (flow-executor.md §12): out of one application, still signed in here.
import type { SessionEndChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

export class SessionEndStage extends StageElement<SessionEndChallenge> {
  override render() {
    const { challenge } = this;
    const application = challenge.application_name ?? 'the application';
    const link = (text: string, href: string | undefined) => (href === undefined ? [] : [{ text, href }]);
    return outcome({
      icon: 'out',
      severity: 'success',
      title: `You have left ${application}.`,
      body: html`<p>You are still signed in to ${challenge.brand_name}.</p>`,
      actions: [
        { text: 'My applications', href: '../../user/' },
        ...link(`Sign out of ${challenge.brand_name}`, challenge.invalidation_flow_url),
        ...link(`Back to ${application}`, challenge.application_launch_url),
      ],
    });
  }
}
