// Who is signing in, with the way back for somebody else.
import type { FlowInfo } from '@gatehouse/contract/flow';
import { html, nothing, type TemplateResult } from 'lit';
import { avatar } from '../elements/avatar.ts';

export interface WithUser {
  readonly pending_user: string;
  readonly pending_user_avatar: string;
  readonly flow_info?: FlowInfo;
}

/** @param other where somebody else goes; cancelling the flow unless given */
export function userCard(
  { pending_user, pending_user_avatar, flow_info }: WithUser,
  other = flow_info?.cancel_url,
): TemplateResult | typeof nothing {
  if (pending_user === '') return nothing;
  return html`<div class="gh-user">
      ${avatar(pending_user_avatar)}
      <span class="gh-user__name">${pending_user}</span>
      ${
        other === undefined
          ? nothing
          : html`<a class="gh-user__other" href=${other} title="Sign in as somebody else">Not you?</a>`
      }
    </div>
    <input type="text" name="username" autocomplete="username" value=${pending_user} hidden readonly tabindex="-1" />`;
}
