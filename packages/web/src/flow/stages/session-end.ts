// `ak-stage-session-end` (flow-executor.md §12): out of one application; still signed in here, or out of everything where the
// flow ended the session before, after which nobody is pending.
import type { SessionEndChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

export class SessionEndStage extends StageElement<SessionEndChallenge> {
  override render() {
    const { challenge } = this;
    const { brand_name: brand, application_name: application = 'the application' } = challenge;
    const link = (text: string, href: string | undefined) => (href === undefined ? [] : [{ text, href }]);
    const back = link(`Back to ${application}`, challenge.application_launch_url);
    if (challenge.pending_user === '')
      return outcome({
        icon: 'out',
        severity: 'success',
        title: 'You are signed out.',
        body: html`<p>You have left ${application} and ${brand}.</p>`,
        actions: [{ text: 'Sign in again', href: '../../user/' }, ...back],
      });
    return outcome({
      icon: 'out',
      severity: 'success',
      title: `You have left ${application}.`,
      body: html`<p>You are still signed in to ${brand}.</p>`,
      actions: [
        { text: 'My applications', href: '../../user/' },
        ...link(`Sign out of ${brand}`, challenge.invalidation_flow_url),
        ...back,
      ],
    });
  }
}
