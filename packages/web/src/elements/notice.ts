// A message in the page (PatternFly alert). Dangers interrupt a screen reader, others wait for their turn.
import { html, nothing, type TemplateResult } from 'lit';
import { type IconName, icon } from './icon.ts';

export type Severity = 'danger' | 'warning' | 'info' | 'success';

const icons: Readonly<Record<Severity, IconName>> = {
  danger: 'denied',
  warning: 'warning',
  info: 'info',
  success: 'check',
};

export function notice(severity: Severity, title: string, body: unknown = nothing): TemplateResult {
  return html`<div
    class="pf-v6-c-alert pf-m-inline pf-m-${severity} gh-notice"
    role=${severity === 'danger' ? 'alert' : 'status'}
  >
    <div class="pf-v6-c-alert__icon">${icon(icons[severity])}</div>
    <p class="pf-v6-c-alert__title">${title}</p>
    ${body === nothing ? nothing : html`<div class="pf-v6-c-alert__description">${body}</div>`}
  </div>`;
}
