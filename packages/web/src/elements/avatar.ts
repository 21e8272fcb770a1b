// Pictures of users and applications; a drawn one where there is none.
import { html, nothing, type TemplateResult } from 'lit';
import { type Themed, themed } from '../page-settings.ts';
import { icon } from './icon.ts';

/** The picture of a user; a plain head where there is none. */
export function avatar(url: string): TemplateResult {
  if (url === '' || url.endsWith('/user_default.png')) return html`<span class="gh-avatar">${icon('user')}</span>`;
  return html`<img class="gh-avatar" src=${url} alt="" />`;
}

const hues = 8;

/** The icon of an application; its initials on a colour of its own where there is none, or where it cannot be loaded. */
export function tile(name: string, url: string | null, variants: Themed | null): TemplateResult {
  const source = themed(url ?? '', variants);
  const words = name.split(/\s+/).filter((word) => word !== '');
  const initials = words.slice(0, 2).map((word) => word.charAt(0).toUpperCase());
  const hue = [...name].reduce((sum, sign) => sum + (sign.codePointAt(0) ?? 0), 0) % hues;
  const missing = ({ target }: Event) => {
    if (target instanceof HTMLElement) target.hidden = true;
  };
  return html`<span class="gh-tile gh-tile--${hue}" aria-hidden="true"
    >${initials.join('')}${
      source === '' || source.startsWith('fa://') ? nothing : html`<img src=${source} alt="" @error=${missing} />`
    }</span
  >`;
}
