// `ak-stage-authenticator-validate` (flow-executor.md §11.3): chooses a device, then asks for its code. Where the user has
// none, offers the stages that set one up.
import type { AuthenticatorValidateChallenge, DeviceChallenge } from '@gatehouse/contract/flow';
import { html, nothing, type TemplateResult } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { inputField } from '../../elements/field.ts';
import { type IconName, icon } from '../../elements/icon.ts';
import { notice } from '../../elements/notice.ts';
import { StageElement, type Values } from '../stage-element.ts';
import { userCard } from '../user-card.ts';

interface DeviceKind {
  readonly title: string;
  readonly about: string;
  readonly icon: IconName;
  /** Absent: this page cannot ask such a device. */
  readonly code?: { readonly label: string; readonly digits: boolean };
}

const kinds: Readonly<Record<string, DeviceKind>> = {
  totp: {
    title: 'Authenticator app',
    about: 'A code that changes every 30 seconds',
    icon: 'phone',
    code: { label: 'Code from your authenticator app', digits: true },
  },
  static: {
    title: 'Recovery code',
    about: 'One of the codes you kept in a safe place',
    icon: 'list',
    code: { label: 'Recovery code', digits: false },
  },
  sms: { title: 'SMS', about: 'A code sent to your phone', icon: 'phone', code: { label: 'Code', digits: true } },
  email: { title: 'E-mail', about: 'A code sent to your inbox', icon: 'mail', code: { label: 'Code', digits: true } },
  duo: { title: 'Duo', about: 'Not available in this browser page', icon: 'shield' },
  webauthn: { title: 'Security key', about: 'Not available in this browser page', icon: 'key' },
};
const unknownKind: DeviceKind = { title: 'Other device', about: 'Not available in this browser page', icon: 'shield' };
const kindOf = (device: DeviceChallenge) => kinds[device.device_class] ?? unknownKind;

export class AuthenticatorValidateStage extends StageElement<AuthenticatorValidateChallenge> {
  static override properties = { ...StageElement.properties, chosen: { state: true } };
  declare chosen: DeviceChallenge | undefined;

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('challenge')) return;
    const usable = this.#usable();
    const same = usable.find(({ device_uid }) => device_uid === this.chosen?.device_uid);
    this.chosen = same ?? (usable.length === 1 ? usable[0] : undefined);
  }

  override render() {
    const { challenge } = this;
    if (challenge.device_challenges.length === 0) return this.#setUp();
    if (this.#usable().length === 0) return this.#none();
    return this.chosen === undefined ? this.#picker() : this.#code(this.chosen);
  }

  #usable(): readonly DeviceChallenge[] {
    return this.challenge.device_challenges.filter((device) => kindOf(device).code !== undefined);
  }

  #picker(): TemplateResult {
    return html`${userCard(this.challenge)} ${this.otherErrors()}
      <p class="gh-lead" id="choose">Choose how to confirm that it is you.</p>
      <ul class="gh-choices" aria-labelledby="choose">
        ${this.#usable().map((device) => this.#choice(kindOf(device), () => this.#choose(device)))}
      </ul>`;
  }

  #choice({ title, about, icon: name }: Omit<DeviceKind, 'code'>, choose: () => void): TemplateResult {
    return html`<li>
      <button type="button" class="gh-choice" @click=${choose}>
        <span class="gh-choice__icon">${icon(name)}</span>
        <span class="gh-choice__text"><strong>${title}</strong><span>${about}</span></span>
        <span class="gh-choice__go">${icon('right')}</span>
      </button>
    </li>`;
  }

  async #choose(device: DeviceChallenge | undefined): Promise<void> {
    this.chosen = device;
    await this.updateComplete;
    this.querySelector<HTMLElement>('[data-first], .gh-choice')?.focus();
  }

  #code(device: DeviceChallenge): TemplateResult {
    const { title, code } = kindOf(device);
    return html`${this.form(html`
      ${userCard(this.challenge)} ${this.otherErrors('code')}
      ${inputField({
        name: 'code',
        label: code?.label ?? title,
        autocomplete: 'one-time-code',
        inputMode: code?.digits === true ? 'numeric' : 'text',
        required: true,
        first: true,
        errors: this.errorsOf('code'),
      })}
      ${submitButton('Continue', this.busy)}
    `)}
    ${
      this.#usable().length < 2
        ? nothing
        : html`<ul class="gh-links">
            <li>
              <button type="button" class="pf-v6-c-button pf-m-link pf-m-inline" @click=${() => this.#choose(undefined)}>
                Use another way
              </button>
            </li>
          </ul>`
    }`;
  }

  protected override valuesOf(form: HTMLFormElement): Values {
    const { code } = super.valuesOf(form);
    const typed = typeof code === 'string' ? code.replaceAll(/\s/g, '') : '';
    return { selected_challenge: this.chosen, code: typed };
  }

  #setUp(): TemplateResult {
    const stages = this.challenge.configuration_stages;
    if (stages.length === 0) return this.#none();
    return html`${userCard(this.challenge)} ${this.otherErrors()}
      <p class="gh-lead" id="choose">A second factor is required. Choose one to set up.</p>
      <ul class="gh-choices" aria-labelledby="choose">
        ${stages.map(({ pk, name, verbose_name, meta_model_name }) => {
          const kind = kinds[/authenticator_(\w+?)\./.exec(meta_model_name)?.[1] ?? ''];
          const about = { title: kind?.title ?? verbose_name, about: name, icon: kind?.icon ?? 'shield' };
          return this.#choice(about, () => this.send({ selected_stage: pk }));
        })}
      </ul>`;
  }

  #none(): TemplateResult {
    return html`${userCard(this.challenge)}
    ${notice('warning', 'None of your devices can be used here', html`Ask your administrator for another second factor.`)}`;
  }
}
