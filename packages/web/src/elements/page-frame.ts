// The frame of the user's and the administrators' page: brand, who is here, where one can go, and the way out.
import { html, nothing, type TemplateResult } from 'lit';
import type { Api } from '../call/api.ts';
import type { Brand } from '../page-settings.ts';
import { themed } from '../page-settings.ts';
import { avatar } from './avatar.ts';
import { type IconName, icon } from './icon.ts';

export interface Me {
  readonly pk: number;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly avatar: string;
  readonly is_superuser: boolean;
  readonly system_permissions: readonly string[];
}

export interface Tab {
  /** Fragment of the address. */
  readonly name: string;
  readonly title: string;
  readonly icon: IconName;
  /** Heading above it; tabs of groups stand beside the page. */
  readonly group?: string;
}

export interface Frame {
  readonly api: Api;
  readonly base: string;
  readonly brand: Brand;
  readonly me: Me | undefined;
  readonly tabs: readonly Tab[];
  readonly current: string;
  /** The other page, for those who have it. */
  readonly other?: { readonly text: string; readonly href: string };
  readonly body: unknown;
}

export function pageFrame({ api, base, brand, me, tabs, current, other, body }: Frame): TemplateResult {
  return html`<a class="gh-skip" href="#main" @click=${skip}>Skip to content</a>
    <header class="gh-masthead">
      <a href=${`${base}if/user/`} class="gh-masthead__brand"
        ><img src=${themed(brand.logo, brand.logoThemed)} alt=${`${brand.title}: my applications`}
      /></a>
      <div class="gh-masthead__user">
        ${other === undefined ? nothing : html`<a class="pf-v6-c-button pf-m-secondary pf-m-small" href=${other.href}>${other.text}</a>`}
        ${
          me === undefined
            ? nothing
            : html`<gh-notification-bell .api=${api} .base=${base} .userPk=${me.pk}></gh-notification-bell>${avatar(me.avatar)}<span class="gh-masthead__name">${me.name || me.username}</span>`
        }
        <a class="gh-masthead__out" href=${`${base}flows/-/default/invalidation/`} title="Sign out">
          ${icon('out')}<span class="pf-v6-screen-reader">Sign out</span>
        </a>
      </div>
    </header>
    <div class="gh-page" data-side=${tabs.some(({ group }) => group !== undefined)}>
      <gh-page-nav .tabs=${tabs} .current=${current}></gh-page-nav>
      <main class="gh-main" id="main" tabindex="-1">${body}</main>
    </div>`;
}

/** The fragment of the address is the tab's, so the link moves the focus only. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
