// A notification as the API shows it, and how it looks in a list.
import { html, nothing, type TemplateResult } from 'lit';
import { type IconName, icon } from '../elements/icon.ts';
import { exact, relative } from '../elements/when.ts';

export interface Notification {
  readonly pk: string;
  readonly severity: string;
  readonly body: string;
  readonly hyperlink: string | null;
  readonly hyperlink_label: string | null;
  readonly created: string;
  readonly event: { readonly action: string } | null;
  readonly seen: boolean;
}

export const notificationsPath = '/events/notifications/';

const icons: Readonly<Record<string, IconName>> = { alert: 'denied', warning: 'warning', notice: 'info' };

/** @param actions buttons at its end */
export function notificationRow(notification: Notification, actions: unknown): TemplateResult {
  const { severity, body, hyperlink, hyperlink_label: label, created, event, seen } = notification;
  return html`<li class="gh-notification" data-severity=${severity} data-seen=${seen}>
    <span class="gh-notification__icon">${icon(icons[severity] ?? 'info')}</span>
    <div class="gh-notification__text">
      <p>
        <span class="pf-v6-screen-reader">${severity}: </span>${body}
        ${hyperlink === null ? nothing : html`<a href=${hyperlink}>${label ?? hyperlink}</a>`}
      </p>
      <p class="gh-quiet">
        ${event === null ? nothing : html`${event.action.replaceAll('_', ' ')} ·`}
        <time datetime=${created} title=${exact(created)}>${relative(created)}</time>
      </p>
    </div>
    <div class="gh-row-actions">${actions}</div>
  </li>`;
}
