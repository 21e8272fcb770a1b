// `ak-stage-email` (flow-executor.md §12): a message is on its way; the link in it goes on. An answer sends it once more.
import type { EmailChallenge } from '@gatehouse/contract/flow';
import { html, nothing } from 'lit';
import { notice } from '../../elements/notice.ts';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

/** The core answers "sent" as an error, since the stage goes on by the link only. */
const sentCode = 'email-sent';

export class EmailStage extends StageElement<EmailChallenge> {
  override render() {
    const errors = Object.values(this.challenge.response_errors ?? {}).flat();
    const again = errors.some(({ code }) => code === sentCode);
    const others = errors.filter(({ code }) => code !== sentCode).map(({ string }) => string);
    return html`${others.length > 0 ? notice('danger', others.join(' ')) : nothing}
    ${again ? notice('success', 'The message was sent again.') : nothing}
    ${outcome({
      icon: 'mail',
      severity: 'info',
      title: 'Look into your inbox.',
      body: html`<p>If there is an account for you, a message with a link is on its way. The link goes on from here.</p>`,
      actions: [{ text: 'Send it again', act: () => this.send({}) }],
    })}`;
  }
}
