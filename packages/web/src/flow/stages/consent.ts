// `ak-stage-consent` (flow-executor.md §12): what an application asks for. The token ties the answer to this very question.
import type { ConsentChallenge } from '@gatehouse/contract/flow';
import { html, nothing, type TemplateResult } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { icon } from '../../elements/icon.ts';
import { readPageSettings } from '../../page-settings.ts';
import { StageElement, type Values } from '../stage-element.ts';
import { userCard } from '../user-card.ts';

interface Permission {
  readonly id: string;
  readonly name: string;
}

/** Scopes of OpenID Connect that have no words of their own in the core. */
const words: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  profile: 'See your name and user name',
  email: 'See your e-mail address',
  offline_access: 'Stay signed in while you are away',
  groups: 'See your groups',
};

/** Cancelling means to refuse; somebody else signs out. */
function signOut(): string {
  const { base } = readPageSettings();
  return `${base}flows/-/cancel/?${new URLSearchParams({ next: `${base}flows/-/default/invalidation/` })}`;
}

export class ConsentStage extends StageElement<ConsentChallenge> {
  override render() {
    const { challenge } = this;
    const { permissions, additional_permissions: added } = challenge;
    return this.form(html`
      ${userCard(challenge, signOut())} ${this.otherErrors()}
      <p class="gh-lead">${challenge.header_text ?? 'An application asks for access.'}</p>
      ${list(added.length > 0 ? 'You have already allowed:' : 'It will be able to:', permissions)}
      ${list('It now also asks to:', added)} ${submitButton('Continue', this.busy)}
      ${
        challenge.flow_info === undefined
          ? nothing
          : html`<a class="pf-v6-c-button pf-m-link pf-m-block" href=${challenge.flow_info.cancel_url}>Cancel</a>`
      }
    `);
  }

  protected override valuesOf(): Values {
    return { token: this.challenge.token };
  }
}

function list(title: string, permissions: readonly Permission[]): TemplateResult | typeof nothing {
  if (permissions.length === 0) return nothing;
  return html`<div>
    <p class="gh-list__title">${title}</p>
    <ul class="gh-list">
      ${permissions.map(
        ({ id, name }) => html`<li>${icon('check')}<span>${name === '' ? (words[id] ?? id) : name}</span></li>`,
      )}
    </ul>
  </div>`;
}
