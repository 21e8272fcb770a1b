// What a visitor sees when the executor gives no challenge: what is wrong, and when it is tried again.
import { html, type TemplateResult } from 'lit';
import { notice } from '../elements/notice.ts';
import type { Trouble } from './executor.ts';
import { type Outcome, outcome } from './outcome.ts';

const words: Readonly<Record<Trouble['kind'], { readonly title: string; readonly text: string }>> = {
  unreachable: {
    title: 'The server cannot be reached.',
    text: 'Your device may be offline, or the server is being restarted.',
  },
  unavailable: { title: 'The server is not ready.', text: 'It is starting, or busy, and says to come back soon.' },
  'no such flow': { title: 'There is no such page.', text: 'The address names a flow that does not exist.' },
  failed: { title: 'Something went wrong.', text: 'The server answered with an error.' },
};

/** Instead of a stage. @param waitSeconds until the next attempt; `undefined` when none is due */
export function troublePage(trouble: Trouble, waitSeconds: number | undefined, again: () => void): TemplateResult {
  const { title, text } = words[trouble.kind];
  const actions: Outcome['actions'] =
    trouble.kind === 'no such flow'
      ? [{ text: 'Go to the start', href: '../../../' }]
      : [{ text: 'Try now', act: again }];
  return outcome({
    icon: trouble.kind === 'no such flow' ? 'search' : 'warning',
    severity: 'warning',
    title,
    body: html`<p role="alert">${text}</p>
      ${waitSeconds === undefined ? '' : html`<p class="gh-quiet">Next attempt in ${waitSeconds} s.</p>`}
      ${request(trouble)}`,
    actions,
  });
}

/** Above a stage whose answer did not get through; what was typed is still there. */
export function troubleNotice(trouble: Trouble): TemplateResult {
  const { title, text } = words[trouble.kind];
  const after = trouble.retryAfterSeconds;
  const advice = after === undefined ? 'Send it again.' : `Your answer was not taken. Send it again in ${after} s.`;
  return notice('danger', title, html`${text} ${advice} ${request(trouble)}`);
}

function request({ requestId }: Trouble): TemplateResult | '' {
  return requestId === undefined ? '' : html`<span class="gh-quiet">Request <code>${requestId}</code></span>`;
}
