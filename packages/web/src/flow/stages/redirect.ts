// `xak-flow-redirect` (flow-executor.md §11.7): the page leaves. Only addresses that cannot run as a script are followed.
import type { RedirectChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { spinner } from '../../elements/button.ts';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

export class RedirectStage extends StageElement<RedirectChallenge> {
  override firstUpdated(): void {
    const target = safeTarget(this.challenge.to);
    if (target !== undefined) location.assign(target);
  }

  override render() {
    const target = safeTarget(this.challenge.to);
    if (target === undefined)
      return outcome({
        icon: 'warning',
        severity: 'danger',
        title: 'This redirect is not followed.',
        body: html`<p role="alert">The address does not lead to a website or an app.</p>`,
      });
    return html`<div class="gh-waiting" role="status">
      ${spinner('Redirecting', 'xl')}
      <p>You are being taken on.</p>
      <a href=${target}>Go there now</a>
    </div>`;
  }
}

/** Apps have schemes of their own; those that run in this page do not pass. */
export function safeTarget(to: string): string | undefined {
  if (!URL.canParse(to, location.href)) return undefined;
  const { href, protocol } = new URL(to, location.href);
  return ['javascript:', 'data:', 'blob:', 'vbscript:', 'file:'].includes(protocol) ? undefined : href;
}
