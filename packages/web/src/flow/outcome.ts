// The end of a flow, good or bad: a picture, what happened, and where to go from here.
import { html, nothing, type TemplateResult } from 'lit';
import { type IconName, icon } from '../elements/icon.ts';
import type { Severity } from '../elements/notice.ts';

export interface Outcome {
  readonly icon: IconName;
  readonly severity: Severity;
  readonly title: string;
  readonly body?: unknown;
  readonly actions?: readonly {
    readonly text: string;
    /** A link, or a button. */
    readonly href?: string;
    readonly act?: () => void;
  }[];
}

export function outcome({ icon: name, severity, title, body = nothing, actions = [] }: Outcome): TemplateResult {
  return html`<div class="gh-outcome">
    <span class="gh-outcome__icon gh-outcome__icon--${severity}">${icon(name)}</span>
    <h2 class="pf-v6-c-title pf-m-lg" tabindex="-1" data-first>${title}</h2>
    ${body}
    <div class="gh-outcome__actions">
      ${actions.map(({ text, href, act }, at) => {
        const look = `pf-v6-c-button pf-m-block ${at === 0 ? 'pf-m-primary' : 'pf-m-link'}`;
        return href === undefined
          ? html`<button type="button" class=${look} @click=${act}>${text}</button>`
          : html`<a class=${look} href=${href}>${text}</a>`;
      })}
    </div>
  </div>`;
}
