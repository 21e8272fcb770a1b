// `ak-provider-oauth2-device-code` and its end (flow-executor.md §12): a code from a television or a command line. One in
// the address is filled in, and still confirmed by hand (RFC 8628 §3.3.1).
import type { DeviceCodeChallenge, DeviceCodeFinishChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { inputField } from '../../elements/field.ts';
import { outcome } from '../outcome.ts';
import { StageElement } from '../stage-element.ts';

export class DeviceCodeStage extends StageElement<DeviceCodeChallenge> {
  override render() {
    return this.form(html`
      ${this.otherErrors('code')}
      ${inputField({
        name: 'code',
        label: 'Code that your device shows',
        value: new URLSearchParams(location.search).get('code') ?? '',
        inputMode: 'numeric',
        autocomplete: 'off',
        required: true,
        first: true,
        errors: this.errorsOf('code'),
      })}
      ${submitButton('Continue', this.busy)}
    `);
  }
}

export class DeviceCodeFinishStage extends StageElement<DeviceCodeFinishChallenge> {
  override render() {
    return outcome({
      icon: 'check',
      severity: 'success',
      title: 'Your device is signed in.',
      body: html`<p>You can close this page.</p>`,
    });
  }
}
