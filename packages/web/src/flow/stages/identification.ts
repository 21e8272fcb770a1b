// `ak-stage-identification` (flow-executor.md §11.1): who wants in, with the password where the stage has it embedded.
import type { IdentificationChallenge } from '@gatehouse/contract/flow';
import { html, nothing } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { inputField } from '../../elements/field.ts';
import { passwordField } from '../password-field.ts';
import { StageElement } from '../stage-element.ts';

const rememberedKey = 'gatehouse-remembered-name';

export class IdentificationStage extends StageElement<IdentificationChallenge> {
  override render() {
    const { challenge, busy } = this;
    const name = challenge.pending_user_identifier ?? remembered(challenge.enable_remember_me) ?? '';
    const passwordFirst = name !== '' && challenge.password_fields;
    return html`
      ${
        challenge.application_pre === undefined
          ? nothing
          : html`<p class="gh-lead">Log in to continue to <strong>${challenge.application_pre}</strong>.</p>`
      }
      ${this.form(html`
        ${this.otherErrors('uid_field', 'password')}
        ${inputField({
          name: 'uid_field',
          label: labelOf(challenge.user_fields),
          type: onlyEmail(challenge.user_fields) ? 'email' : 'text',
          autocomplete: 'username',
          value: name,
          required: true,
          first: !passwordFirst,
          errors: this.errorsOf('uid_field'),
        })}
        ${
          challenge.password_fields
            ? passwordField({
                mayShow: challenge.allow_show_password,
                errors: this.errorsOf('password'),
                first: passwordFirst,
              })
            : nothing
        }
        ${challenge.enable_remember_me ? rememberBox(name !== '') : nothing}
        ${submitButton(challenge.primary_action, busy)}
      `)}
      ${this.#links()}
    `;
  }

  protected override valuesOf(form: HTMLFormElement) {
    const { remember, ...values } = super.valuesOf(form);
    const { uid_field: name } = values;
    if (remember !== undefined && typeof name === 'string') localStorage.setItem(rememberedKey, name);
    else localStorage.removeItem(rememberedKey);
    return values;
  }

  #links() {
    const { enroll_url, recovery_url } = this.challenge;
    if (enroll_url === undefined && recovery_url === undefined) return nothing;
    return html`<ul class="gh-links">
      ${recovery_url === undefined ? nothing : html`<li><a href=${recovery_url}>Forgot user name or password?</a></li>`}
      ${enroll_url === undefined ? nothing : html`<li>Need an account? <a href=${enroll_url}>Sign up.</a></li>`}
    </ul>`;
  }
}

const words: Readonly<Record<string, string>> = { username: 'User name', email: 'E-mail address', upn: 'UPN' };

function labelOf(fields: readonly string[] | null): string {
  const known = (fields ?? []).map((field) => words[field] ?? field);
  const text = known.join(' or ').toLowerCase().replace('upn', 'UPN');
  return text === '' ? 'Name' : text.charAt(0).toUpperCase() + text.slice(1);
}

function onlyEmail(fields: readonly string[] | null): boolean {
  return fields?.length === 1 && fields[0] === 'email';
}

function remembered(enabled: boolean): string | undefined {
  return enabled ? (localStorage.getItem(rememberedKey) ?? undefined) : undefined;
}

function rememberBox(checked: boolean) {
  return html`<div class="pf-v6-c-check">
    <input class="pf-v6-c-check__input" type="checkbox" id="field-remember" name="remember" .checked=${checked} />
    <label class="pf-v6-c-check__label" for="field-remember">Remember my name on this device</label>
  </div>`;
}
